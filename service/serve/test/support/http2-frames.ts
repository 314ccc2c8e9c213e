/**
 * HTTP/2 by the byte (RFC 9113, section 4.1), for what no client library sends. Whoever writes all of it at once loses
 * nothing of the answer: a library that still writes when the server has closed gets an error instead of the GOAWAY.
 */
import { preface } from "../../src/listener/first-bytes.ts";

const types = { headers: 1, rstStream: 3, settings: 4, goaway: 7 } as const;
const endOfStreamAndHeaders = 5;
const cancel = 8;

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** GET http://a/ by the static table of HPACK (RFC 7541, appendix A). */
const getRoot = Uint8Array.of(0x82, 0x86, 0x84, 0x01, 1, 0x61);

/** A connection that asks `count` times and resets each request at once. */
export function resetRequests(count: number): Buffer {
  const frames = [Buffer.from(preface), frame(types.settings, 0, 0, new Uint8Array(0))];
  for (let i = 0; i < count; i++) {
    const stream = 2 * i + 1;
    frames.push(frame(types.headers, endOfStreamAndHeaders, stream, getRoot));
    frames.push(frame(types.rstStream, 0, stream, Uint8Array.of(0, 0, 0, cancel)));
  }
  return Buffer.concat(frames);
}

/** The error codes of the GOAWAY frames among what a server sent. */
export function goawayCodes(sent: string): number[] {
  const bytes = Buffer.from(sent, "latin1");
  const codes: number[] = [];
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === types.goaway) codes.push(bytes.readUInt32BE(at + 13));
  }
  return codes;
}
