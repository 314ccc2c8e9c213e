/** Files of the command line that hold public keys and checkpoints. */
import { X509Certificate } from "node:crypto";
import { auditErrors, type NoteKey, parseNoteKey } from "@cupel/audit";
import { readRegular, reasonOf } from "@cupel/base";
import { repeated } from "../arguments/option.ts";
import { cliErrors } from "../errors.ts";

/** May be given several times; empty where it is not. */
export function filesOption(name: string, summary: string) {
  return repeated({ name, placeholder: "FILE", summary }, "a path", (given) =>
    given === "" ? undefined : given,
  );
}

/** @throws FILE_UNREADABLE, KEY_INVALID */
export async function readNoteKeys(files: readonly string[]): Promise<NoteKey[]> {
  return await Promise.all(
    files.map(async (file) => parseNoteKey((await readGiven("key", file)).toString("utf8"))),
  );
}

const certificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** @param files in PEM, one or more certificates each. @throws FILE_UNREADABLE, KEY_INVALID */
export async function readAuthorities(files: readonly string[]): Promise<X509Certificate[]> {
  const found: X509Certificate[] = [];
  for (const file of files) {
    const texts = (await readGiven("certificate", file)).toString("latin1").match(certificate) ?? [];
    if (texts.length === 0) throw noCertificate(file);
    try {
      found.push(...texts.map((text) => new X509Certificate(text)));
    } catch (thrown) {
      throw noCertificate(file, thrown);
    }
  }
  return found;
}

function noCertificate(file: string, cause?: unknown) {
  const message = `${file} has no certificate of an authority: "-----BEGIN CERTIFICATE-----" and what follows.`;
  return auditErrors.error("KEY_INVALID", message, { cause, details: { file } });
}

/** @param what it is, in a message. @throws FILE_UNREADABLE */
export async function readGiven(what: string, file: string): Promise<Buffer> {
  return await readRegular(file).catch((thrown: unknown) => {
    throw cliErrors.error("FILE_UNREADABLE", `Cannot read the ${what} in ${file}: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { file },
    });
  });
}
