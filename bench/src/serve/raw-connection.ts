/**
 * One kept-alive HTTP/1.1 connection that sends requests made beforehand and looks at nothing of an answer but its
 * status, its end and Retry-After: a load generator must cost less than what it measures.
 */
import { connect, type Socket } from "node:net";

export interface RawAnswer {
  /** 0 where the connection ended without one. */
  readonly status: number;
  /** In seconds, as Retry-After says; null where it says nothing. */
  readonly retryAfter: number | null;
}

const endOfHead = Buffer.from("\r\n\r\n");
/** Of a body in chunks, when it has no trailer fields. */
const endOfChunks = Buffer.from("\r\n0\r\n\r\n");

export class RawConnection {
  readonly #socket: Socket;
  #answered: ((answer: RawAnswer) => void) | null = null;
  #head = Buffer.alloc(0);
  /** Of the body that is to come: its bytes, or its last ones where it comes in chunks; null while the head is to come. */
  #left: number | Buffer<ArrayBuffer> | null = null;
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

  /** Both ways, so far. */
  get bytes(): number {
    return this.#socket.bytesRead + this.#socket.bytesWritten;
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
      const isChunked = /\r\ntransfer-encoding: chunked/i.test(head);
      // The empty line after the head begins what may be the only chunk.
      rest = this.#head.subarray(end + (isChunked ? 2 : endOfHead.length));
      this.#head = Buffer.alloc(0);
      const seconds = /\r\nretry-after: (\d+)/i.exec(head)?.[1];
      this.#answer = {
        status: Number(head.slice(9, 12)),
        retryAfter: seconds === undefined ? null : Number(seconds),
      };
      this.#left = isChunked ? Buffer.alloc(0) : Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    }
    if (typeof this.#left === "number") {
      this.#left -= rest.length;
      if (this.#left > 0) return;
    } else {
      const last = rest.length < endOfChunks.length ? Buffer.concat([this.#left, rest]) : rest;
      this.#left = last.subarray(-endOfChunks.length);
      if (!this.#left.equals(endOfChunks)) return;
    }
    this.#left = null;
    this.#settle(this.#answer);
  }
}
