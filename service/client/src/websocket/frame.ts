/**
 * Frames of the sub-protocol `cupel.grpc.v1`: a byte of flags, four of length, and that many bytes. The flag 0x80 marks
 * lines of headers; a second such frame of the server has the trailers, and of the client ends its stream.
 */

const blockFlag = 0x80;
const prefixBytes = 5;
const most = 64 * 2 ** 10;

export function blockFrame(headers: Headers = new Headers()): Uint8Array<ArrayBuffer> {
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const text = new TextEncoder().encode(lines);
  const framed = new Uint8Array(prefixBytes + text.length);
  framed[0] = blockFlag;
  new DataView(framed.buffer).setUint32(1, text.length);
  framed.set(text, prefixBytes);
  return framed;
}

export type AnswerPart =
  /** Of messages, with their prefixes, cut anywhere. */
  Uint8Array<ArrayBuffer> | Headers;

/** Reads what a server sends, however it is cut. */
export class AnswerReader {
  #pending = new Uint8Array();
  /** Bytes of the message in hand that are still to come. */
  #left = 0;

  /** @throws Error where it is no frame */
  *read(chunk: Uint8Array<ArrayBuffer>): Iterable<AnswerPart> {
    let rest = chunk;
    if (this.#pending.length > 0) {
      rest = new Uint8Array(this.#pending.length + chunk.length);
      rest.set(this.#pending);
      rest.set(chunk, this.#pending.length);
    }
    while (rest.length > 0) {
      if (this.#left > 0) {
        const bytes = rest.subarray(0, this.#left);
        this.#left -= bytes.length;
        rest = rest.subarray(bytes.length);
        yield bytes;
        continue;
      }
      if (rest.length < prefixBytes) break;
      const length = new DataView(rest.buffer, rest.byteOffset).getUint32(1);
      if (rest[0] !== blockFlag) {
        this.#left = length;
        yield rest.subarray(0, prefixBytes);
        rest = rest.subarray(prefixBytes);
        continue;
      }
      if (length > most) throw new Error(`The server's headers have ${length} bytes, and may have ${most}.`);
      if (rest.length < prefixBytes + length) break;
      yield headersOf(rest.subarray(prefixBytes, prefixBytes + length));
      rest = rest.subarray(prefixBytes + length);
    }
    this.#pending = rest;
  }
}

function headersOf(block: Uint8Array): Headers {
  const lines = new TextDecoder("latin1").decode(block).split("\r\n").slice(0, -1);
  return new Headers(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}
