/**
 * Notices that a client has left before it was answered: its connection closed, its HTTP/2 stream was reset, or it
 * sent the FIN of HTTP/1.1 while it waits.
 */
import type { FaceRequest, FaceResponse } from "../core/face.ts";

export interface Departure extends Disposable {
  /** Fires when the client leaves. */
  readonly signal: AbortSignal;
}

/** Dispose it when the request is answered: connections are kept, and so would the listeners be. */
export function watchDeparture(request: FaceRequest, response: FaceResponse): Departure {
  const left = new AbortController();
  const leave = (): void => {
    if (!response.writableEnded) left.abort();
  };
  // In HTTP/2 the socket belongs to all streams; a stream that is reset closes its response.
  const socket = request.httpVersionMajor === 1 ? request.socket : null;
  response.once("close", leave);
  socket?.once("end", leave);
  return {
    signal: left.signal,
    [Symbol.dispose]() {
      response.off("close", leave);
      socket?.off("end", leave);
    },
  };
}
