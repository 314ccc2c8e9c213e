/**
 * Gives the memory of a buffer back at once. A thread that works on large buffers and makes little garbage else is
 * seldom visited by the garbage collector, and what it has read stays resident: tens of megabytes.
 */

/** `buffer` is empty afterwards. Shared memory stays as it is; and Node 20, which cannot do this, leaves all to the collector. */
export function freeBuffer(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer && typeof buffer.transfer === "function") buffer.transfer(0);
}
