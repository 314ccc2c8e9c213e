/**
 * One kept-alive HTTP/1.1 connection that sends requests made beforehand and looks at nothing of an answer but its
 * status, its length and Retry-After: a load generator must cost less than what it measures.
 */
import { connect, type Socket } from "node:net";

export interface RawAnswer {
  /** 0 where the connection ended without one. */
  readonly status: number;
  /** In seconds, as Retry-After says; null where it says nothing. */
  readonly retryAfter: number | null;
}

const endOfHead = Buffer.from("\r\n\r\n");

export class RawConnection {
  readonly #socket: Socket;
  #answered: ((answer: RawAnswer) => void) | null = null;
  #head = Buffer.alloc(0);
  /** Bytes of the body that are to come; null while the head is. */
  #left: number | null = null;
  #answer: RawAnswer = { status: 0, retryAfter: null };
  #isOpen = true;

  constructor(port: number, host = "127.0.0.1") {
    this.#socket = connect({ port, host, noDelay: true });
    this.#socket.on("data", (chunk: Buffer<ArrayBuffer>) => this.#read(chunk));
    this.#socket.on("error", () => this.#end());
    this.#socket.on("close", () => this.#end());
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The connection MUST have answered what was sent before. */
  send(request: Uint8Array): Promise<RawAnswer> {
    const { promise, resolve } = Promise.withResolvers<RawAnswer>();
    if (!this.#isOpen) resolve({ status: 0, retryAfter: null });
    else {
      this.#answered = resolve;
      this.#socket.write(request);
    }
    return promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #end(): void {
    this.#isOpen = false;
    this.#settle({ status: 0, retryAfter: null });
  }

  #settle(answer: RawAnswer): void {
    const answered = this.#answered;
    this.#answered = null;
    answered?.(answer);
  }

  #read(chunk: Buffer<ArrayBuffer>): void {
    let rest = chunk;
    if (this.#left === null) {
      this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
      const end = this.#head.indexOf(endOfHead);
      if (end < 0) return;
      const head = this.#head.toString("latin1", 0, end);
      rest = this.#head.subarray(end + endOfHead.length);
      this.#head = Buffer.alloc(0);
      const seconds = /\r\nretry-after: (\d+)/i.exec(head)?.[1];
      this.#answer = {
        status: Number(head.slice(9, 12)),
        retryAfter: seconds === undefined ? null : Number(seconds),
      };
      this.#left = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    }
    this.#left -= rest.length;
    if (this.#left > 0) return;
    this.#left = null;
    this.#settle(this.#answer);
  }
}
