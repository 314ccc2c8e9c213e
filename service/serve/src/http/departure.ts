/**
 * Notices that a client has left before it was answered: its connection closed, its HTTP/2 stream was reset, or it
 * sent the FIN of HTTP/1.1 while it waits.
 */
import type { FaceRequest, FaceResponse } from "../core/face.ts";

/** Dispose it when the request is answered: connections are kept, and so would the listeners be. */
export class Departure implements Disposable {
  readonly #left = new AbortController();
  readonly #response: FaceResponse;
  /** In HTTP/2 the socket belongs to all streams; a stream that is reset closes its response. */
  readonly #socket: FaceRequest["socket"] | null;

  constructor(request: FaceRequest, response: FaceResponse) {
    this.#response = response;
    this.#socket = request.httpVersionMajor === 1 ? request.socket : null;
    response.once("close", this.#leave);
    this.#socket?.once("end", this.#leave);
  }

  /** Fires when the client leaves. */
  get signal(): AbortSignal {
    return this.#left.signal;
  }

  [Symbol.dispose](): void {
    this.#response.off("close", this.#leave);
    this.#socket?.off("end", this.#leave);
  }

  readonly #leave = (): void => {
    if (!this.#response.writableEnded) this.#left.abort();
  };
}
