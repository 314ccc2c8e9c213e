/**
 * One call as the library's gRPC hands it over, on a socket of its own: bytes of messages out, bytes of messages in. By
 * the WebSocket that browsers and Node.js both have, which cannot be told to wait with reading: a caller that reads
 * slowly bounds what comes by what it asks for.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalClientRequest, UniversalClientResponse } from "@connectrpc/connect/protocol";
import { clientError } from "../errors.ts";
import { AnswerReader, blockFrame } from "./frame.ts";

const subprotocol = "cupel.grpc.v1";

/** Bytes of a WebSocket message: small, so that whoever leaves does not wait for what was already handed over. */
const pieceBytes = 64 * 2 ** 10;
/** Handed over and not sent yet, in bytes. */
const mostBuffered = 4 * pieceBytes;
/** A WebSocket has no event that tells of room: it is looked at so often, in ms. */
const pollMs = 4;

/** Of a socket that closes before the trailers came. What a code means: docs/websocket.md. */
const closedEarly: ReadonlyMap<number, readonly [Code, string]> = new Map([
  [1001, [Code.Unavailable, "The server is shutting down."]],
  [1002, [Code.Internal, "The server says that the frames are none."]],
  [1009, [Code.ResourceExhausted, "A message is larger than the server takes."]],
]);
/** Without a word of the server's. Headers go only when the socket is open: before that it was given nothing. */
const unopened = () =>
  clientError(
    "SERVER_UNREACHABLE",
    "No WebSocket to the server could be opened, and a WebSocket does not say why: the server is not there, does not speak this face (faces.websocket), or does not let in pages of this origin (cors.origins).",
    { mayHaveRun: false },
  );
const broken = () => clientError("CONNECTION_LOST", "The connection broke before the answer was whole.");

export async function callBySocket(request: UniversalClientRequest): Promise<UniversalClientResponse> {
  const { url, header, body, signal } = request;
  signal?.throwIfAborted();
  const socket = new WebSocket(url.replace(/^http/, "ws"), subprotocol);
  socket.binaryType = "arraybuffer";
  const answer = new SocketAnswer();
  let wasOpen = false;
  const leave = () => {
    answer.fail(ConnectError.from(signal?.reason, Code.Canceled));
    socket.close();
  };
  signal?.addEventListener("abort", leave, { once: true });
  socket.addEventListener("open", () => {
    wasOpen = true;
    send(socket, header, body, answer).catch((thrown: unknown) => {
      answer.fail(ConnectError.from(thrown));
      socket.close();
    });
  });
  socket.addEventListener("message", ({ data }) => {
    try {
      if (!(data instanceof ArrayBuffer)) throw new Error("The server sent text.");
      answer.read(new Uint8Array(data));
    } catch (thrown) {
      answer.fail(ConnectError.from(thrown, Code.Internal));
      socket.close();
    }
  });
  // The close that follows says all there is.
  socket.addEventListener("error", () => {});
  socket.addEventListener("close", ({ code }) => {
    signal?.removeEventListener("abort", leave);
    const told = closedEarly.get(code);
    if (told) return answer.fail(new ConnectError(told[1], told[0]));
    const cause = wasOpen ? broken() : unopened();
    answer.fail(new ConnectError(cause.message, Code.Unavailable, undefined, undefined, cause));
  });
  return { status: 200, header: await answer.header, body: answer, trailer: answer.trailer };
}

async function send(
  socket: WebSocket,
  header: Headers,
  body: AsyncIterable<Uint8Array> | undefined,
  answer: SocketAnswer,
): Promise<void> {
  socket.send(blockFrame(header));
  for await (const chunk of body ?? []) {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      while (socket.bufferedAmount > mostBuffered && !answer.isOver) {
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
      if (answer.isOver) return;
      socket.send(chunk.slice(at, at + pieceBytes));
    }
  }
  if (!answer.isOver) socket.send(blockFrame());
}

/** What came: headers, then bytes, then trailers, or a failure in place of the rest. */
class SocketAnswer implements AsyncIterable<Uint8Array> {
  /** Complete when the bytes are at their end. */
  readonly trailer = new Headers();
  readonly #reader = new AnswerReader();
  readonly #header = Promise.withResolvers<Headers>();
  #hasHeader = false;
  #chunks: Uint8Array[] = [];
  #isOver = false;
  #failure: ConnectError | null = null;
  #wake: (() => void) | null = null;

  constructor() {
    // A call may fail before anybody asks for its headers.
    this.#header.promise.catch(() => {});
  }

  get header(): Promise<Headers> {
    return this.#header.promise;
  }

  /** Nothing more is worth sending. */
  get isOver(): boolean {
    return this.#isOver;
  }

  read(message: Uint8Array<ArrayBuffer>): void {
    for (const part of this.#reader.read(message)) {
      if (this.#isOver) return;
      if (part instanceof Uint8Array) this.#chunks.push(part);
      else if (!this.#hasHeader) {
        this.#hasHeader = true;
        this.#header.resolve(part);
      } else {
        for (const [name, value] of part) this.trailer.append(name, value);
        this.#isOver = true;
      }
    }
    this.#wake?.();
  }

  /** Of no effect where the trailers have come. */
  fail(failure: ConnectError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    this.#header.reject(failure);
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (;;) {
      const chunks = this.#chunks;
      this.#chunks = [];
      yield* chunks;
      if (this.#chunks.length > 0) continue;
      if (this.#failure) throw this.#failure;
      if (this.#isOver) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
      this.#wake = null;
    }
  }
}
