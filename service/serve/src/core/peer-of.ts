/** Who is at the other end of a request's connection, found once a connection. */
import { TLSSocket } from "node:tls";
import type { Peer } from "./admission.ts";
import type { FaceRequest } from "./face.ts";

const peers = new WeakMap<object, Peer>();

export function peerOf(request: FaceRequest): Peer {
  const session = "stream" in request ? request.stream.session : undefined;
  const connection = session ?? request.socket;
  const known = peers.get(connection);
  if (known) return known;
  const { socket } = request;
  const certificate = certificateOf(socket);
  const peer: Peer = {
    address: socket.remoteAddress ?? "",
    ...(certificate === undefined ? {} : { certificate }),
  };
  peers.set(connection, peer);
  return peer;
}

/** The subject's common name, where an authority of ours signed the certificate. */
function certificateOf(socket: FaceRequest["socket"]): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const name = socket.getPeerCertificate().subject?.CN;
  return Array.isArray(name) ? name[0] : name;
}
