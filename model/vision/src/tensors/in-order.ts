/**
 * Two ways to overlap work and keep its order: several pieces of work at once, and results made ahead of
 * the consumer. Both are bounded, and both stop when the consumer does.
 */

export interface InOrderOptions {
  /** Pieces in flight at once. */
  readonly workers: number;
  /** Pieces begun but not yet taken, at most: covers a slow piece at the head of the line. */
  readonly window: number;
}

/** `produce(0)`, `produce(1)`, ... each begun at most `window` before it is taken. */
export async function* inOrder<T>(
  count: number,
  { workers, window }: InOrderOptions,
  produce: (index: number) => Promise<T>,
): AsyncGenerator<T> {
  const limited = createLimiter(workers);
  const begun: Promise<T>[] = [];
  let stopped = false;
  let next = 0;
  try {
    for (;;) {
      while (next < count && begun.length < window) {
        const index = next++;
        const piece = limited(() => (stopped ? Promise.reject(new Error("stopped")) : produce(index)));
        // A failure waits for its turn; until then it must not count as unhandled.
        piece.catch(() => {});
        begun.push(piece);
      }
      const head = begun.shift();
      if (head === undefined) return;
      yield await head;
    }
  } finally {
    stopped = true;
    await Promise.allSettled(begun);
  }
}

/** Runs at most `limit` tasks at once, in the order given. */
function createLimiter(limit: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await task();
    } finally {
      // The place passes straight to the next in line, or is given up.
      const successor = waiting.shift();
      if (successor === undefined) running--;
      else successor();
    }
  };
}

/**
 * The same items, with `depth` of them in the making while the consumer works on another.
 * @param stop called when the consumer leaves early, so that the making can be cut short.
 */
export async function* lookAhead<T>(
  items: AsyncGenerator<T>,
  depth: number,
  stop: () => void,
): AsyncGenerator<T> {
  const asked: Promise<IteratorResult<T>>[] = [];
  const ask = () => {
    const item = items.next();
    item.catch(() => {});
    asked.push(item);
  };
  try {
    while (asked.length < depth) ask();
    for (;;) {
      ask();
      const result = await asked.shift();
      if (result === undefined || result.done) return;
      yield result.value;
    }
  } finally {
    stop();
    await items.return(undefined);
  }
}
