/** Connections, from both ends: they are told of when they are made, and at their end with what went over them. */
import { Socket } from "node:net";
import type { RingWriter } from "../ring-writer.ts";
import { memberOf } from "./member.ts";

export function createSocketWatch(writer: RingWriter) {
  let next = 0;
  const watchEnd = (kind: "net.client.close" | "net.server.close", id: number, socket: Socket): void => {
    const began = performance.now();
    socket.once("close", () => {
      writer.write(kind, [id, performance.now() - began, socket.bytesRead, socket.bytesWritten], []);
    });
  };
  return {
    "net.client.socket"(message: unknown) {
      const socket = memberOf(message, "socket");
      if (!(socket instanceof Socket)) return;
      const id = next++;
      const began = performance.now();
      socket.once("connect", () => {
        const { remotePort = Number.NaN, remoteAddress = "" } = socket;
        writer.write("net.client.connect", [id, remotePort, performance.now() - began], [remoteAddress]);
      });
      watchEnd("net.client.close", id, socket);
    },
    "net.server.socket"(message: unknown) {
      const socket = memberOf(message, "socket");
      if (!(socket instanceof Socket)) return;
      const id = next++;
      writer.write("net.server.open", [id], [socket.remoteAddress ?? ""]);
      watchEnd("net.server.close", id, socket);
    },
  } as const;
}
