/**
 * Headers and trailers as lines of text, as gRPC-Web writes trailers: a lower-case name, a colon, a value, CR and LF.
 * Names and values are those of gRPC's metadata: printable ASCII, and base64 where the name ends with `-bin`.
 */
import { serveErrors } from "../errors.ts";

/** A token of RFC 9110, section 5.6.2, without capitals. */
const line = /^([a-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x20-\x7e]*)$/;

/** @param most lines. @throws REQUEST_INVALID */
export function readHeaderBlock(block: Uint8Array, most: number): Headers {
  const text = Buffer.from(block.buffer, block.byteOffset, block.length).toString("latin1");
  const lines = text.split("\r\n");
  if (lines.pop() !== "") throw invalid("The last line of the headers does not end with CR and LF.");
  if (lines.length > most) throw invalid(`The headers have more than ${most} lines.`);
  const headers = new Headers();
  for (const each of lines) {
    const match = line.exec(each);
    if (!match)
      throw invalid('A line of the headers is not of the form "name: value", in lower case and ASCII.');
    headers.append(match[1]!, match[2]!.trimEnd());
  }
  return headers;
}

export function writeHeaderBlock(headers: Headers): Uint8Array {
  return Buffer.from([...headers].map(([name, value]) => `${name}: ${value}\r\n`).join(""), "latin1");
}

function invalid(message: string) {
  return serveErrors.error("REQUEST_INVALID", message, { withoutStack: true });
}
