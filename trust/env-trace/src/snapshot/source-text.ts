/**
 * Bytes of a source as text, and back, without loss: an environment is bytes, and a name or value that is no UTF-8 must not
 * become another's. A byte that is part of no character becomes the lone surrogate U+DC00 + byte, as in PEP 383, which no
 * valid text has.
 */
import { isUtf8 } from "node:buffer";
import { envTraceErrors } from "../errors.ts";

/** Bytes that are no UTF-8 are escaped as PEP 383 has it. */
export function surrogateEscape(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at]!);
    const sequence = bytes.subarray(at, at + length);
    if (length > 0 && sequence.length === length && isUtf8(sequence)) {
      text += sequence.toString("utf8");
      at += length;
    } else {
      text += String.fromCharCode(0xdc00 + bytes[at]!);
      at++;
    }
  }
  return text;
}

function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

/** The bytes that `surrogateEscape` was given; of text from Windows, UTF-8 in which a lone surrogate has three bytes. */
export function bytesOfText(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  return Buffer.concat(
    Array.from(text, (character) => {
      const code = character.codePointAt(0)!;
      if (code >= 0xdc80 && code <= 0xdcff) return Buffer.from([code - 0xdc00]);
      if (code < 0xd800 || code > 0xdfff) return Buffer.from(character, "utf8");
      return Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]);
    }),
  );
}

/** Without the mark of its order of bytes. */
export function posixText(bytes: Buffer): string {
  return unicodeText(bytes) ?? surrogateEscape(bytes);
}

/**
 * Of a file from Windows. Without a mark it is UTF-8, or of the code page.
 * @param codePage a label of the Encoding Standard, such as "windows-1252" or "gbk"
 * @throws ENV_SOURCE_ENCODING
 */
export function windowsText(bytes: Buffer, where: string, codePage: string | undefined): string {
  const text = unicodeText(bytes) ?? (isUtf8(bytes) ? bytes.toString("utf8") : null);
  if (text !== null) return text;
  if (codePage === undefined) {
    throw envTraceErrors.error(
      "ENV_SOURCE_ENCODING",
      `${where} is neither UTF-8 nor UTF-16, and its letters depend on the code page it was written in. Say which with --code-page, such as windows-1252.`,
      { details: { source: where } },
    );
  }
  return decodeCodePage(bytes, where, codePage);
}

/** @throws ENV_SOURCE_ENCODING where Node.js does not have the code page, or the bytes are not of it */
export function decodeCodePage(bytes: Uint8Array, where: string, codePage: string): string {
  try {
    return new TextDecoder(codePage, { fatal: true }).decode(bytes);
  } catch (thrown) {
    throw envTraceErrors.error(
      "ENV_SOURCE_ENCODING",
      `${where} cannot be read in the code page "${codePage}": it is not one of the Encoding Standard, or the file is not written in it.`,
      { cause: thrown, details: { source: where, codePage } },
    );
  }
}

/** Null where no mark says that it is Unicode. */
function unicodeText(bytes: Buffer): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString("utf16le", 2);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) {
    const even = Buffer.from(bytes.subarray(2, bytes.length - (bytes.length % 2)));
    return even.swap16().toString("utf16le");
  }
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return surrogateEscape(bytes.subarray(3));
  return null;
}
