/**
 * Keys of signed notes, https://c2sp.org/signed-note, in the text forms of Go's note package:
 *
 *     NAME+ID+BASE64               to verify: 32-bit ID in hex; a type byte and the 32 bytes of an Ed25519 key
 *     PRIVATE+KEY+NAME+ID+BASE64   to sign: a type byte and the 32 bytes of the seed
 *
 * The type says what is signed: the text of a note (1), or text and time, as witnesses do (4, see `cosignature.ts`).
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject } from "node:crypto";
import { auditErrors } from "../errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";

export const noteKeyTypes = { ed25519: 0x01, cosignature: 0x04 } as const;
export type NoteKeyType = (typeof noteKeyTypes)[keyof typeof noteKeyTypes];

export interface NoteKey {
  readonly name: string;
  /** With the name it says which key signed; 32 bits are no proof of anything. */
  readonly id: number;
  readonly type: NoteKeyType;
  readonly publicKey: KeyObject;
}

export interface NoteSigningKey extends NoteKey {
  readonly privateKey: KeyObject;
}

const RAW_BYTES = 32;
const PRIVATE_PREFIX = "PRIVATE+KEY+";

/** Not empty, without white space, control characters and plus. */
export function isKeyName(name: string): boolean {
  return name.isWellFormed() && /^[^\p{White_Space}\p{Cc}+]+$/u.test(name);
}

/** The first four bytes of SHA-256(name, newline, type, public key). */
export function noteKeyId(name: string, type: number, rawPublicKey: Uint8Array): number {
  return hash(
    "sha256",
    Buffer.concat([Buffer.from(`${name}\n`), Uint8Array.of(type), rawPublicKey]),
    "buffer",
  ).readUInt32BE();
}

/** @throws KEY_INVALID where the name is none, or the key is not an Ed25519 key */
export function noteKeyOf(
  name: string,
  publicKey: KeyObject,
  type: NoteKeyType = noteKeyTypes.ed25519,
): NoteKey {
  if (!isKeyName(name)) {
    throw invalid(`"${name}" is no name of a key: it must not be empty nor have white space or "+"`);
  }
  if (publicKey.asymmetricKeyType !== "ed25519") {
    throw invalid(`the key "${name}" is of type ${publicKey.asymmetricKeyType ?? "secret"}, not Ed25519`);
  }
  return { name, id: noteKeyId(name, type, rawPublicKey(publicKey)), type, publicKey };
}

/** @param privateKey Ed25519. @throws KEY_INVALID */
export function noteSigningKeyOf(
  name: string,
  privateKey: KeyObject,
  type: NoteKeyType = noteKeyTypes.ed25519,
): NoteSigningKey {
  if (privateKey.type !== "private") throw invalid(`the key "${name}" is not a private key`);
  return { ...noteKeyOf(name, createPublicKey(privateKey), type), privateKey };
}

/** A fresh one. @throws KEY_INVALID where the name is none */
export function generateNoteKey(name: string, type: NoteKeyType = noteKeyTypes.ed25519): NoteSigningKey {
  return noteSigningKeyOf(name, generateKeyPairSync("ed25519").privateKey, type);
}

export function formatNoteKey({ name, id, type, publicKey }: NoteKey): string {
  return [name, idText(id), typedText(type, rawPublicKey(publicKey))].join("+");
}

/** SECRET: whoever has this text signs as the log. */
export function formatNoteSigningKey({ name, id, type, privateKey }: NoteSigningKey): string {
  const { d = "" } = privateKey.export({ format: "jwk" });
  return PRIVATE_PREFIX + [name, idText(id), typedText(type, Buffer.from(d, "base64url"))].join("+");
}

/** @param text may end in a newline. @throws KEY_INVALID */
export function parseNoteKey(text: string): NoteKey {
  const { name, id, type, raw } = parseParts(text.replace(/\n$/, ""));
  const publicKey = createPublicKey({
    format: "jwk",
    key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") },
  });
  return checkedId(noteKeyOf(name, publicKey, type), id);
}

/** @param text may end in a newline. @throws KEY_INVALID, whose message does not have the key */
export function parseNoteSigningKey(text: string): NoteSigningKey {
  if (!text.startsWith(PRIVATE_PREFIX)) throw invalid(`it does not begin with "${PRIVATE_PREFIX}"`);
  const { name, id, type, raw } = parseParts(text.slice(PRIVATE_PREFIX.length).replace(/\n$/, ""));
  return checkedId(noteSigningKeyOf(name, privateKeyOf(raw), type), id);
}

interface KeyParts {
  readonly name: string;
  readonly id: string;
  readonly type: NoteKeyType;
  readonly raw: Buffer;
}

function parseParts(text: string): KeyParts {
  const [, name = "", id = "", encoded = ""] = /^([^+]*)\+([^+]*)\+(.*)$/.exec(text) ?? [];
  if (!isKeyName(name) || !/^[0-9a-f]{8}$/.test(id)) {
    throw invalid("it does not have the form NAME+ID+BASE64, ID being 8 hexadecimal digits");
  }
  const bytes = decodeBase64(encoded);
  if (bytes === null || bytes.byteLength === 0) throw invalid(`what follows "${name}+${id}+" is not base64`);
  const type = Object.values(noteKeyTypes).find((each) => each === bytes[0]);
  if (type === undefined) {
    throw invalid(`the key "${name}" is of type ${bytes[0]}; supported are 1 (Ed25519) and 4 (cosignature)`);
  }
  const raw = bytes.subarray(1);
  if (raw.byteLength !== RAW_BYTES) throw invalid(`the key "${name}" has ${raw.byteLength} bytes, not 32`);
  return { name, id, type, raw };
}

function checkedId<Key extends NoteKey>(key: Key, id: string): Key {
  if (idText(key.id) === id) return key;
  throw invalid(
    `the ID of the key "${key.name}" is ${idText(key.id)}, not ${id}: a part of the text was changed`,
  );
}

/** PKCS#8 around a bare seed, RFC 8410 section 7. */
function privateKeyOf(seed: Uint8Array): KeyObject {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

function rawPublicKey(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url");
}

/** 8 hexadecimal digits. */
export function idText(id: number): string {
  return id.toString(16).padStart(8, "0");
}

function typedText(type: number, raw: Uint8Array): string {
  return encodeBase64(Buffer.concat([Uint8Array.of(type), raw]));
}

function invalid(reason: string): Error {
  return auditErrors.error("KEY_INVALID", `This is no key of a signed note: ${reason}.`);
}
