/**
 * The keys that subjects' keys are wrapped under, one a generation, themselves wrapped by the provider: so the provider is asked when
 * a record is opened and not for each subject. A new current key of the provider, or another cipher, begins a generation.
 * `generations.json` holds them all; it names no subject and is no part of an erasure.
 */
import { createHmac, randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { reasonOf, writeError, writeFileAtomically } from "@cupel/base";
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { auditErrors } from "../errors.ts";
import { type CipherName, cipherKeyBytes, cipherNames } from "./authenticated-cipher.ts";
import { syncFolder } from "./durable-file.ts";
import type { KeyProvider } from "./key-provider.ts";
import { GENERATION_BYTES, SUBJECT_TAG_BYTES } from "./key-record.ts";

export const hashNames = ["sha256", "sm3"] as const;
export type HashName = (typeof hashNames)[number];

export interface Generation {
  readonly id: Buffer;
  readonly cipher: CipherName;
  readonly key: Buffer;
}

export interface Generations {
  readonly current: Generation;
  find(id: Uint8Array): Generation | null;
  /** What stands for a subject in the file of keys. */
  tagOf(subject: string): Buffer;
}

const KEY_BYTES = 32;

const fileSchema = Type.Object({
  version: Type.Literal(1),
  /** Of the tags, for as long as the file lives: with another none of the subjects would be found. */
  hash: Type.Enum([...hashNames]),
  generations: Type.Array(
    Type.Object({
      id: Type.String(),
      cipher: Type.Enum([...cipherNames]),
      keyId: Type.String(),
      /** Key of the generation and index key, wrapped by the provider; base64. */
      wrapped: Type.String(),
    }),
    { minItems: 1 },
  ),
});
type GenerationsFile = Static<typeof fileSchema>;
const compiled = Compile(fileSchema);

export interface GenerationOptions {
  readonly cipher: CipherName;
  readonly hash: HashName;
}

/**
 * @param options null to read only: nothing is written, and a record without keys is refused
 * @throws MASKING_KEY_INVALID, KEY_PROVIDER_UNAVAILABLE, SUBJECT_KEYS_DAMAGED, WRITE_FAILED, DISK_FULL
 */
export async function openGenerations(
  path: string,
  provider: KeyProvider,
  options: GenerationOptions | null,
): Promise<Generations> {
  const file = await readGenerations(path);
  const opened: Generation[] = [];
  let indexKey: Buffer = randomBytes(KEY_BYTES);
  for (const { id, cipher, keyId, wrapped } of file?.generations ?? []) {
    const plain = await provider.unwrap(keyId, Buffer.from(wrapped, "base64"));
    if (plain.length !== 2 * KEY_BYTES) throw damaged(path, "a key has another length than it was made with");
    opened.push({ id: Buffer.from(id, "base64url"), cipher, key: keyFor(cipher, plain) });
    indexKey = plain.subarray(KEY_BYTES);
  }
  if (options !== null) {
    const keyId = await provider.currentKeyId();
    const last = file?.generations.at(-1);
    if (last?.keyId !== keyId || last.cipher !== options.cipher) {
      const id = randomBytes(GENERATION_BYTES);
      const plain = Buffer.concat([randomBytes(KEY_BYTES), indexKey]);
      const wrapped = Buffer.from(await provider.wrap(keyId, plain)).toString("base64");
      const row = { id: id.toString("base64url"), cipher: options.cipher, keyId, wrapped };
      const generations = [...(file?.generations ?? []), row];
      await writeGenerations(path, { version: 1, hash: file?.hash ?? options.hash, generations });
      opened.push({ id, cipher: options.cipher, key: keyFor(options.cipher, plain) });
    }
  }
  const current = opened.at(-1);
  if (!current) {
    throw auditErrors.error("MASKING_KEY_INVALID", `There is no ${path}: nothing was ever encrypted here.`);
  }
  const byId = new Map(opened.map((each) => [each.id.toString("base64url"), each]));
  const hash = file?.hash ?? options?.hash ?? "sha256";
  return {
    current,
    find: (id) => byId.get(Buffer.from(id).toString("base64url")) ?? null,
    tagOf: (subject) => hmac(hash, indexKey, subject).subarray(0, SUBJECT_TAG_BYTES),
  };
}

export function hmac(hash: HashName, key: Uint8Array, message: string | Uint8Array): Buffer {
  return createHmac(hash, key).update(message).digest();
}

const keyFor = (cipher: CipherName, plain: Buffer): Buffer => plain.subarray(0, cipherKeyBytes[cipher]);

async function readGenerations(path: string): Promise<GenerationsFile | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return null;
    throw damaged(path, reasonOf(thrown));
  }
  try {
    const value: unknown = JSON.parse(text);
    if (compiled.Check(value)) return value;
  } catch {
    // Said below, without the parser's words: they quote what stands there.
  }
  throw damaged(path, "it is not what Cupel wrote");
}

/** The keys of subjects that are made next lie under the new generation: its file must last before they do. */
async function writeGenerations(path: string, file: GenerationsFile): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFileAtomically(path, `${JSON.stringify(file, null, 2)}\n`);
    await syncFolder(dirname(path));
  } catch (thrown) {
    throw thrown instanceof Error && thrown.name === "CupelError" ? thrown : writeError(path, thrown);
  }
}

function damaged(path: string, reason: string) {
  return auditErrors.error(
    "SUBJECT_KEYS_DAMAGED",
    `${path} cannot be read: ${reason}. Without it nothing encrypted is readable: restore it from a backup.`,
    { details: { path } },
  );
}
