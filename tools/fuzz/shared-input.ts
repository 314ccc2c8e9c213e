/** The input in hand, in memory that two threads share. Laid out as count, length, bytes. */
export interface InputInHand {
  /** How many inputs there were, and the length of the last. */
  readonly state: Int32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

/** Bytes of an input; a longer one is not tried. */
export const longest = 2 ** 20;

export function createInput(): InputInHand {
  return {
    state: new Int32Array(new SharedArrayBuffer(8)),
    bytes: new Uint8Array(new SharedArrayBuffer(longest)),
  };
}

export function writeInput({ state, bytes }: InputInHand, input: Uint8Array): void {
  bytes.set(input);
  Atomics.store(state, 1, input.length);
  Atomics.add(state, 0, 1);
}

export function readInput({ state, bytes }: InputInHand): {
  readonly count: number;
  readonly input: Uint8Array;
} {
  return { count: Atomics.load(state, 0), input: bytes.slice(0, Atomics.load(state, 1)) };
}
