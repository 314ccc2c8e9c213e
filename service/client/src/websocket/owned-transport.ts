/** The WebSocket as a face needs it, from the global that browsers have, and Node.js from version 22 on. */
import { clientError } from "../errors.ts";
import type { FaceOptions } from "../faces/platform.ts";
import type { OwnedTransport } from "../rpc/rpc-face.ts";
import { createWebSocketTransport } from "./transport.ts";

/** @throws FACE_UNSUPPORTED */
export function openWebSockets({ href }: URL, { maxAnswerBytes }: FaceOptions): OwnedTransport {
  if (!("WebSocket" in globalThis))
    throw clientError(
      "FACE_UNSUPPORTED",
      'The face "websocket" needs a global WebSocket: Node.js has one from version 22 on. Choose "grpc".',
    );
  return {
    transport: createWebSocketTransport({ baseUrl: href, readMaxBytes: maxAnswerBytes }),
    isBidirectional: true,
    // Each socket ends with its call.
    [Symbol.dispose]() {},
  };
}
