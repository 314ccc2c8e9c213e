/**
 * What a socket received and a method has not read yet. When it is full the socket is not read on, so that a client that
 * sends faster than is answered is slowed down by TCP and not by the memory of the server.
 */

export interface Flow {
  pause(): void;
  resume(): void;
}

/** Of memory beside its bytes that a chunk takes: a client may send one byte at a time. */
const chunkCost = 256;

export class Inbox implements AsyncIterable<Uint8Array> {
  readonly #readAhead: number;
  readonly #flow: Flow;
  #chunks: Uint8Array[] = [];
  #cost = 0;
  #isPaused = false;
  #isOver = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  /** @param readAhead bytes, after which reading stops until half of them are gone */
  constructor(readAhead: number, flow: Flow) {
    this.#readAhead = readAhead;
    this.#flow = flow;
  }

  push(chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.#chunks.push(chunk);
    this.#cost += chunk.length + chunkCost;
    if (this.#cost > this.#readAhead && !this.#isPaused) {
      this.#isPaused = true;
      this.#flow.pause();
    }
    this.#wake?.();
  }

  /** Nothing more comes. Read on: that the client leaves is read too. */
  end(): void {
    this.#isOver = true;
    this.#resume();
    this.#wake?.();
  }

  /** What was not read is dropped. @param failure what its reader is told instead */
  fail(failure: Error): void {
    this.#failure ??= failure;
    this.#drop();
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    try {
      for (;;) {
        if (this.#failure) throw this.#failure;
        const chunks = this.#chunks;
        if (chunks.length > 0) {
          this.#chunks = [];
          for (const chunk of chunks) {
            this.#cost -= chunk.length + chunkCost;
            if (this.#cost <= this.#readAhead / 2) this.#resume();
            yield chunk;
            if (this.#failure) throw this.#failure;
          }
        } else if (this.#isOver) return;
        else {
          const { promise, resolve } = Promise.withResolvers<void>();
          this.#wake = resolve;
          await promise;
          this.#wake = null;
        }
      }
    } finally {
      this.#drop();
      this.end();
    }
  }

  #drop(): void {
    this.#chunks = [];
    this.#cost = 0;
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#flow.resume();
  }
}
