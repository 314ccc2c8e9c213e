/** Keys and certificates as text (RFC 7468), from a file or from memory. What stands around the blocks is not looked at. */
import { openRegular, reasonOf } from "@cupel/base";
import { type AttestErrorCode, attestErrors } from "../errors.ts";

/** Bytes. A bundle of all public authorities has 250 kB. */
const longest = 2 ** 20;

export interface PemBlock {
  /** Such as "PUBLIC KEY". */
  readonly label: string;
  /** With the lines that begin and end it. */
  readonly text: string;
}

export interface Pem {
  /** For messages: the path, or that it was given. */
  readonly where: string;
  readonly blocks: readonly PemBlock[];
}

/** @param source a path, or the text. @param code of a file that cannot be read */
export async function readPem(source: string | Uint8Array, code: AttestErrorCode): Promise<Pem> {
  const where = typeof source === "string" ? source : "the PEM that is given";
  const text =
    typeof source === "string" ? await textOf(source, code) : Buffer.from(source).toString("latin1");
  const found = text
    .replaceAll("\r\n", "\n")
    .matchAll(/-----BEGIN ([A-Z0-9 ]+)-----\n(?:(?!-----)[\s\S])*-----END \1-----/g);
  return { where, blocks: Array.from(found, ([block, label = ""]) => ({ label, text: `${block}\n` })) };
}

async function textOf(path: string, code: AttestErrorCode): Promise<string> {
  try {
    await using file = await openRegular(path);
    const { size } = await file.stat();
    if (size > longest) throw new Error(`it has ${size} bytes, which no key or certificate has`);
    return await file.readFile("latin1");
  } catch (thrown) {
    throw attestErrors.error(code, `${path} cannot be read: ${reasonOf(thrown)}. Check the path.`, {
      cause: thrown,
      details: { path },
    });
  }
}
