/**
 * A connection of each kind that faces are asked over. What is sent was made beforehand, and of an answer only its end
 * and its status are looked at: a client's own work must not stand between two faces.
 */
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { RawConnection } from "./raw-connection.ts";
import { openRawWebSocket } from "./raw-web-socket.ts";

/** What is sent over and over, in base64 where it is bytes. */
export type FaceAsk = { readonly face: string } & (
  | { readonly transport: "http1"; readonly request: string }
  | { readonly transport: "http2"; readonly headers: Readonly<Record<string, string>>; readonly body: string }
  | {
      readonly transport: "websocket";
      readonly path: string;
      readonly protocol: string;
      /** Sent once, unanswered. */
      readonly first: string;
      /** Each is answered by one message. */
      readonly message: string;
    }
);

export interface FaceConnection {
  /** Both ways, so far. */
  readonly bytes: number;
  /** @throws where the answer is no success, or none comes */
  ask(): Promise<void>;
  close(): void;
}

export async function openFace(port: number, ask: FaceAsk): Promise<FaceConnection> {
  if (ask.transport === "http1") return openHttp1(port, Buffer.from(ask.request, "base64"));
  if (ask.transport === "http2") return await openHttp2(port, ask.headers, Buffer.from(ask.body, "base64"));
  return await openRawWebSocket(port, ask);
}

function openHttp1(port: number, request: Uint8Array): FaceConnection {
  const connection = new RawConnection(port);
  return {
    get bytes() {
      return connection.bytes;
    },
    async ask() {
      const { status } = await connection.send(request);
      if (status !== 200) throw new Error(`Answered with ${status}.`);
    },
    close: () => connection.close(),
  };
}

async function openHttp2(
  port: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<FaceConnection> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  await once(session, "connect");
  const { socket } = session;
  const count = () => socket.bytesRead + socket.bytesWritten;
  let closedAt: number | null = null;
  return {
    get bytes() {
      return closedAt ?? count();
    },
    async ask() {
      const stream = session.request({ ":method": "POST", ...headers });
      let status: unknown;
      stream.once("response", (answer) => {
        status = answer["grpc-status"] ?? (answer[":status"] === 200 ? undefined : answer[":status"]);
      });
      stream.once("trailers", (trailers) => {
        status = trailers["grpc-status"] ?? status;
      });
      stream.end(body);
      stream.resume();
      await once(stream, "close");
      if (status !== undefined && status !== "0") throw new Error(`Answered with ${status}.`);
    },
    close() {
      closedAt = count();
      session.destroy();
    },
  };
}
