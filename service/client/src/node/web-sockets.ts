/** Node's own WebSocket trusts what the system trusts: it cannot be given the certificates of the options. */
import { clientError } from "../errors.ts";
import type { FaceOptions } from "../faces/platform.ts";
import type { OwnedTransport } from "../rpc/rpc-face.ts";
import { openWebSockets } from "../websocket/owned-transport.ts";

/** @throws FACE_UNSUPPORTED */
export function openTrustedWebSockets(endpoint: URL, options: FaceOptions): OwnedTransport {
  if (Object.values(options.tls).every((each) => each === undefined))
    return openWebSockets(endpoint, options);
  throw clientError(
    "FACE_UNSUPPORTED",
    'The face "websocket" takes no certificates (tls). Name them to Node.js by NODE_EXTRA_CA_CERTS, or choose "grpc".',
  );
}
