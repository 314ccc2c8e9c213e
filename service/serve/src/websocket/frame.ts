/**
 * Frames of the sub-protocol `cupel.grpc.v1` (docs/websocket.md): those of gRPC, a byte of flags and four of length, with
 * the flag of gRPC-Web for what HTTP has around a body. Where a WebSocket message ends says nothing: what counts is the
 * sequence of bytes. A client's is a block of headers, messages, and an empty block that ends it.
 */
import { bytesText } from "@cupel/base";
import { serveErrors } from "../errors.ts";

export const messageFlags = { plain: 0x00, compressed: 0x01 } as const;
/** Lines of headers, or of trailers. */
export const blockFlag = 0x80;
const prefixBytes = 5;

export function frame(flags: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const framed = new Uint8Array(prefixBytes + payload.length);
  framed[0] = flags;
  new DataView(framed.buffer).setUint32(1, payload.length);
  framed.set(payload, prefixBytes);
  return framed;
}

export type FramePart =
  | { readonly kind: "headers"; readonly block: Uint8Array }
  /** Bytes of messages with their prefixes, cut anywhere. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "end" };

/** Reads what a client sends, however it is cut. Messages pass through as they come: none is put together here. */
export class FrameReader {
  readonly #blockLimit: number;
  #state: "headers" | "messages" | "ended" = "headers";
  /** Of a frame that is not known whole: its prefix, and the block where it is one. */
  #pending: Uint8Array = new Uint8Array();
  /** Bytes of the message in hand that are still to come. */
  #left = 0;

  /** @param blockLimit bytes of the headers */
  constructor(blockLimit: number) {
    this.#blockLimit = blockLimit;
  }

  /** @throws REQUEST_INVALID, and BODY_TOO_LARGE for headers over the limit; nothing more may be read then */
  *read(chunk: Uint8Array): Iterable<FramePart> {
    let rest = this.#join(chunk);
    while (rest.length > 0) {
      if (this.#left > 0) {
        const bytes = rest.subarray(0, this.#left);
        this.#left -= bytes.length;
        rest = rest.subarray(bytes.length);
        yield { kind: "bytes", bytes };
        continue;
      }
      if (this.#state === "ended") throw invalid("Something came after the end of the client's stream.");
      const flags = rest[0]!;
      this.#check(flags);
      if (rest.length < prefixBytes) break;
      const length = new DataView(rest.buffer, rest.byteOffset).getUint32(1);
      if (flags !== blockFlag) {
        this.#left = length;
        yield { kind: "bytes", bytes: rest.subarray(0, prefixBytes) };
        rest = rest.subarray(prefixBytes);
      } else if (this.#state === "messages") {
        if (length > 0) throw invalid("A client has no trailers: the block that ends its stream is empty.");
        this.#state = "ended";
        rest = rest.subarray(prefixBytes);
        yield { kind: "end" };
      } else {
        if (length > this.#blockLimit) throw headersTooLarge(this.#blockLimit);
        const end = prefixBytes + length;
        if (rest.length < end) break;
        this.#state = "messages";
        const block = rest.subarray(prefixBytes, end);
        rest = rest.subarray(end);
        yield { kind: "headers", block };
      }
    }
    this.#pending = rest;
  }

  #join(chunk: Uint8Array): Uint8Array {
    const pending = this.#pending;
    if (pending.length === 0) return chunk;
    const joined = new Uint8Array(pending.length + chunk.length);
    joined.set(pending);
    joined.set(chunk, pending.length);
    return joined;
  }

  #check(flags: number): void {
    if (this.#state === "headers" && flags !== blockFlag)
      throw invalid("The first frame must have the flag 0x80: the headers of the call.");
    if (flags !== blockFlag && flags !== messageFlags.plain && flags !== messageFlags.compressed)
      throw invalid(`A frame has the flags 0x${flags.toString(16).padStart(2, "0")}, which mean nothing.`);
  }
}

function invalid(message: string) {
  return serveErrors.error("REQUEST_INVALID", message, { withoutStack: true });
}

function headersTooLarge(limit: number) {
  return serveErrors.error(
    "BODY_TOO_LARGE",
    `The headers of the call are larger than listen.limits.headerBytes, which is ${bytesText(limit)}.`,
    { details: { setting: "listen.limits.headerBytes", limit }, withoutStack: true },
  );
}
