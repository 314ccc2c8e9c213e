/**
 * Which protocol a connection speaks, by its first bytes: HTTP/2 with prior knowledge opens with a fixed preface
 * (RFC 9113, 3.4), TLS with a handshake record (RFC 8446, 5.1), and HTTP/1.1 is what is neither: its parser refuses
 * garbage better than a guess here could.
 */
import type { Socket } from "node:net";

export type FirstBytes = "tls" | "http1" | "http2";

export const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const handshakeRecord = 0x16;

/** Null while the bytes could still be either. */
export function protocolOf(bytes: Buffer): FirstBytes | null {
  if (bytes.length === 0) return null;
  if (bytes[0] === handshakeRecord) return "tls";
  const known = bytes.toString("latin1", 0, preface.length);
  if (!preface.startsWith(known)) return "http1";
  return known.length === preface.length ? "http2" : null;
}

export interface FirstBytesEvents {
  /** The bytes are back in the socket then, for whoever reads it next. */
  decided(protocol: FirstBytes): void;
  /** Nothing reads the socket any more; it is not closed yet. */
  late(): void;
}

/** Reads until the bytes say it, however slowly they come. A socket that ends before calls nobody. */
export function readFirstBytes(socket: Socket, timeoutMs: number, { decided, late }: FirstBytesEvents): void {
  let bytes = Buffer.alloc(0);
  const stop = () => {
    clearTimeout(timer);
    socket.off("readable", read).off("close", stop).off("end", end);
  };
  const end = () => {
    stop();
    socket.destroy();
  };
  const read = () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      bytes = Buffer.concat([bytes, chunk]);
    }
    const protocol = protocolOf(bytes);
    if (protocol === null) return;
    stop();
    socket.unshift(bytes);
    decided(protocol);
  };
  const timer = setTimeout(() => {
    stop();
    late();
  }, timeoutMs);
  socket.on("readable", read).once("close", stop).once("end", end);
}
