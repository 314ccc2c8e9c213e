/** Predictions of an evaluation that are large: those of the first images, as many as a bounded memory holds. */

/** Two models are compared at a time, so that twice as much may be held. */
const mostBytes = 256 * 2 ** 20;

export interface KeptValues<T> {
  /** In the order they were added; null for those that came too late. */
  readonly all: readonly (T | null)[];
  /** @param copy what is kept. @param original what its size is told by. */
  add(copy: () => T, original: T): void;
}

/** The first is kept whatever its size. @param most bytes. Default 256 MiB. */
export function createKeptValues<T>(bytesOf: (value: T) => number, most = mostBytes): KeptValues<T> {
  const all: (T | null)[] = [];
  let bytes = 0;
  return {
    all,
    add(copy, original) {
      const isKept = all.length === 0 || (all.at(-1) !== null && bytes + bytesOf(original) <= most);
      if (isKept) bytes += bytesOf(original);
      all.push(isKept ? copy() : null);
    },
  };
}
