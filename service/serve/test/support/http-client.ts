/** Requests as tests send them: HTTP/2 by Node's client, and bytes as they are on a socket. */
import { once } from "node:events";
import { type ClientHttp2Session, connect, type SecureClientSessionOptions } from "node:http2";
import { connect as connectSocket, type Socket } from "node:net";
import { text } from "node:stream/consumers";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export async function openHttp2(
  url: string,
  options: SecureClientSessionOptions = {},
): Promise<ClientHttp2Session> {
  const session = connect(url, options);
  await once(session, "connect");
  session.on("error", () => {});
  return session;
}

export async function get2(session: ClientHttp2Session, path: string): Promise<Answer> {
  const stream = session.request({ ":path": path });
  const [headers] = await once(stream, "response");
  return { status: headers[":status"], body: await text(stream) };
}

export async function openSocket(port: number): Promise<Socket> {
  const socket = connectSocket({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

/** All that comes until the server closes. */
export function received(socket: Socket): Promise<string> {
  let all = "";
  const { promise, resolve } = Promise.withResolvers<string>();
  const done = () => {
    socket.destroy();
    resolve(all);
  };
  socket.on("data", (chunk) => (all += chunk.toString("latin1"))).on("error", () => {});
  socket.once("end", done).once("close", done);
  if (socket.destroyed || socket.readableEnded) done();
  return promise;
}
