/**
 * A text and the signatures of those who vouch for it, https://c2sp.org/signed-note: the text, an empty line, and a
 * line for each signature, "— NAME BASE64", whose first four bytes say which key of that name signed.
 *
 * Three outcomes are told apart: a key that is known signed it; one that is known did not sign what is there
 * (SIGNATURE_INVALID); none of the keys that signed is known (KEY_UNKNOWN), which accuses nobody.
 */
import { sign, verify } from "node:crypto";
import { auditErrors } from "../errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { cosignedMessage, splitCosignature, writeCosignature } from "./cosignature.ts";
import { idText, isKeyName, type NoteKey, type NoteSigningKey, noteKeyTypes } from "./note-key.ts";

/** Signatures and bytes of a note from outside. A signature after quantum computers has 5 kB. */
const MOST_SIGNATURES = 100;
const MOST_BYTES = 1_000_000;
/** A control character other than newline. */
const forbidden = /[^\n\x20-\u{10ffff}]/u;

export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  /** Without the four bytes of the key's ID. */
  readonly signature: Buffer;
}

export interface SignedNote {
  /** Ends in a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Nothing in it is verified. @param source of the message, such as a path. @throws NOTE_INVALID */
export function parseNote(bytes: Uint8Array, source = "The note"): SignedNote {
  const refuse = (reason: string) =>
    auditErrors.error("NOTE_INVALID", `${source} is no signed note: ${reason}.`);
  if (bytes.byteLength > MOST_BYTES)
    throw refuse(`it has ${bytes.byteLength} bytes, more than ${MOST_BYTES}`);
  const whole = decodeUtf8(bytes);
  if (whole === null || forbidden.test(whole)) throw refuse("it is not plain UTF-8 text");
  const end = whole.lastIndexOf("\n\n");
  if (end < 0 || !whole.endsWith("\n")) throw refuse("signatures must follow after an empty line");
  const lines = whole.slice(end + 2, -1).split("\n");
  if (lines.length > MOST_SIGNATURES) throw refuse(`it has more than ${MOST_SIGNATURES} signatures`);
  const signatures = lines.map((line) => {
    const signature = parseSignatureLine(line);
    if (signature === null) throw refuse(`"${line.slice(0, 80)}" is no line of a signature`);
    return signature;
  });
  return { text: whole.slice(0, end + 1), signatures };
}

/** Null where it is none. @param line without its newline */
export function parseSignatureLine(line: string): NoteSignature | null {
  const [, name = "", encoded = ""] = /^\u2014 (\S+) (\S+)$/u.exec(line) ?? [];
  const bytes = decodeBase64(encoded);
  if (!isKeyName(name) || bytes === null || bytes.byteLength < 5) return null;
  return { name, keyId: bytes.readUInt32BE(), signature: bytes.subarray(4) };
}

export function formatNote({ text, signatures }: SignedNote): string {
  return `${text}\n${signatures.map((each) => `${signatureLine(each)}\n`).join("")}`;
}

function signatureLine({ name, keyId, signature }: NoteSignature): string {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(keyId);
  return `\u2014 ${name} ${encodeBase64(Buffer.concat([id, signature]))}`;
}

/**
 * @param text MUST end in a newline and have no other control character; RangeError otherwise
 * @param seconds since 1970, for keys that sign the time too. Default: now.
 */
export function signNote(
  text: string,
  keys: readonly NoteSigningKey[],
  seconds: number = Math.floor(Date.now() / 1000),
): SignedNote {
  if (!text.endsWith("\n") || forbidden.test(text) || !text.isWellFormed()) {
    throw new RangeError("The text of a note ends in a newline and has no other control character.");
  }
  const bytes = Buffer.from(text);
  const signatures = keys.map((key): NoteSignature => {
    const { name, id: keyId, privateKey } = key;
    const signature =
      key.type === noteKeyTypes.cosignature
        ? writeCosignature(seconds, sign(null, cosignedMessage(bytes, BigInt(seconds)), privateKey))
        : sign(null, bytes, privateKey);
    return { name, keyId, signature };
  });
  return { text, signatures };
}

export interface VerifiedSignature extends NoteSignature {
  readonly key: NoteKey;
}

/**
 * The signatures by known keys, one a key. Those of others are passed over.
 * @throws KEY_UNKNOWN where there is none, SIGNATURE_INVALID where one is wrong
 */
export function openNote(
  note: SignedNote,
  keys: readonly NoteKey[],
  source = "The note",
): readonly VerifiedSignature[] {
  const verified = new Map<NoteKey, VerifiedSignature>();
  for (const each of note.signatures) {
    const key = keys.find(({ name, id }) => name === each.name && id === each.keyId);
    if (key === undefined) continue;
    if (!isSignatureOf(key, Buffer.from(note.text), each.signature)) {
      throw auditErrors.error(
        "SIGNATURE_INVALID",
        `${source} bears a signature of "${key.name}" (${idText(key.id)}) that is not of this text: the text or the signature was changed.`,
        { details: { name: key.name, keyId: idText(key.id) } },
      );
    }
    if (!verified.has(key)) verified.set(key, { ...each, key });
  }
  if (verified.size > 0) return [...verified.values()];
  const signers = note.signatures.map(({ name, keyId }) => `"${name}" (${idText(keyId)})`);
  throw auditErrors.error(
    "KEY_UNKNOWN",
    `${source} is signed by ${signers.join(", ") || "nobody"}, and none of these keys is known here: it can be neither confirmed nor called wrong. Give the public key.`,
    { details: { signers: note.signatures.map(({ name, keyId }) => ({ name, keyId: idText(keyId) })) } },
  );
}

/** @param text of a note, as bytes @param signature what follows the ID of the key */
export function isSignatureOf(key: NoteKey, text: Uint8Array, signature: Uint8Array): boolean {
  if (key.type === noteKeyTypes.ed25519) return verify(null, text, key.publicKey, signature);
  const parts = splitCosignature(signature);
  return parts !== null && verify(null, cosignedMessage(text, parts.seconds), key.publicKey, parts.signature);
}

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
