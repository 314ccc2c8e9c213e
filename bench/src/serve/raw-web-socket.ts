/**
 * A WebSocket (RFC 6455) that sends one message made beforehand again and again, masked with zeros, and counts answers:
 * a load generator must cost less than what it measures.
 */
import { once } from "node:events";
import { connect } from "node:net";
import type { FaceAsk, FaceConnection } from "./face-connection.ts";

export async function openRawWebSocket(
  port: number,
  ask: Extract<FaceAsk, { transport: "websocket" }>,
): Promise<FaceConnection> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  const lines = [
    `GET ${ask.path} HTTP/1.1`,
    "host: 127.0.0.1",
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    `sec-websocket-key: ${Buffer.alloc(16, 1).toString("base64")}`,
    `sec-websocket-protocol: ${ask.protocol}`,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  let unread = Buffer.alloc(0);
  let isOpen = false;
  let waiting: PromiseWithResolvers<void> | null = null;
  const opened = Promise.withResolvers<void>();
  const fail = (error: Error) => {
    opened.reject(error);
    waiting?.reject(error);
  };
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("The socket was closed.")));
  socket.on("data", (chunk: Buffer<ArrayBuffer>) => {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
    if (!isOpen) {
      const end = unread.indexOf("\r\n\r\n");
      if (end < 0) return;
      const status = unread.toString("latin1", 9, 12);
      if (status !== "101") return fail(new Error(`Answered with ${status}.`));
      isOpen = true;
      unread = unread.subarray(end + 4);
      opened.resolve();
    }
    for (let frame = frameOf(unread); frame !== null; frame = frameOf(unread)) {
      unread = unread.subarray(frame.end);
      if (frame.opcode === closing) return fail(new Error("The server closed the socket."));
      if (frame.opcode > lastOfData) continue;
      // A block of headers is no answer; one of trailers ends the call, which nobody asked for.
      if (frame.flags < blockFlag) waiting?.resolve();
    }
  });
  await opened.promise;
  socket.write(masked(Buffer.from(ask.first, "base64")));
  const message = masked(Buffer.from(ask.message, "base64"));
  return {
    get bytes() {
      return socket.bytesRead + socket.bytesWritten;
    },
    async ask() {
      waiting = Promise.withResolvers();
      socket.write(message);
      await waiting.promise;
    },
    close: () => socket.destroy(),
  };
}

/** Of gRPC's frames, of which each message of the server's has one. */
const blockFlag = 0x80;
const lastOfData = 2;
const closing = 8;

interface Frame {
  readonly opcode: number;
  /** The first byte of what it carries. */
  readonly flags: number;
  readonly end: number;
}

/** The first frame of what a server sent, which masks nothing; null where it is not there whole. */
function frameOf(bytes: Buffer): Frame | null {
  if (bytes.length < 2) return null;
  const short = bytes[1]! & 127;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return null;
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const end = start + length;
  return bytes.length < end ? null : { opcode: bytes[0]! & 15, flags: bytes[start] ?? 0, end };
}

/** One binary frame of a client. */
function masked(content: Uint8Array): Buffer {
  const { length } = content;
  const head = Buffer.alloc(length < 126 ? 6 : length < 65_536 ? 8 : 14);
  head[0] = 0x82;
  head[1] = 128 | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (length >= 65_536) head.writeBigUInt64BE(BigInt(length), 2);
  else if (length >= 126) head.writeUInt16BE(length, 2);
  return Buffer.concat([head, content]);
}
