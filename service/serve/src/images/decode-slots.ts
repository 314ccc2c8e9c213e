/**
 * How many images are decoded, or drawn into, at once, whoever sent them: what whole images hold of memory is bounded, and
 * a request of many images takes turns with one of one.
 */
import { cancellation } from "@cupel/base";

export interface DecodeSlots {
  /** Waits for a slot, in order. @throws CANCELLED, DEADLINE_EXCEEDED once the signal fires while it waits */
  use<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** As many as libuv has threads where nobody sets UV_THREADPOOL_SIZE: more would wait for each other and hold memory. */
const slotsOfProcess = 4;

interface Waiting {
  readonly begin: () => void;
}

export function createDecodeSlots(count: number): DecodeSlots {
  let free = count;
  const queue = new Set<Waiting>();
  const enter = (signal: AbortSignal): Promise<void> => {
    if (signal.aborted) throw left(signal);
    if (free > 0) {
      free--;
      return Promise.resolve();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      queue.delete(waiting);
      reject(left(signal));
    };
    const waiting: Waiting = {
      begin() {
        signal.removeEventListener("abort", leave);
        resolve();
      },
    };
    queue.add(waiting);
    signal.addEventListener("abort", leave, { once: true });
    return promise;
  };
  const exit = () => {
    const [next] = queue;
    if (next === undefined) {
      free++;
      return;
    }
    // The slot goes from hand to hand.
    queue.delete(next);
    next.begin();
  };
  return {
    async use(signal, work) {
      await enter(signal);
      try {
        return await work();
      } finally {
        exit();
      }
    },
  };
}

/** Of the process, as libuv's threads are. */
export const decodeSlots = createDecodeSlots(slotsOfProcess);

const left = (signal: AbortSignal) => cancellation("Reading an image", signal);
