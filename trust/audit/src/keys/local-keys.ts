/**
 * Keys that lie in a file or in an environment variable: rows of ID:KEY, the current one first, older ones below it for as long as
 * something is wrapped under them. KEY is 32 bytes (AES-256-GCM) or 16 (SM4-GCM), in base64, base64url or hexadecimal.
 */
import { randomBytes } from "node:crypto";
import { auditErrors } from "../errors.ts";
import {
  assertCipher,
  type CipherName,
  cipherKeyBytes,
  cipherNames,
  IV_BYTES,
  seal,
  TAG_BYTES,
  unseal,
} from "./authenticated-cipher.ts";
import type { KeyProvider } from "./key-provider.ts";

interface LocalKey {
  readonly cipher: CipherName;
  readonly bytes: Buffer;
}

const row = /^([\w.-]{1,64}):([A-Za-z0-9+/_=-]+)$/;

/**
 * @param name of where the rows come from, for messages
 * @param text rows that lines, commas or spaces part; "#" begins a remark to the end of the line
 * @throws MASKING_KEY_INVALID, which names rows by their number: what stands there may be a key
 */
export function createLocalKeys(name: string, text: string): KeyProvider {
  const keys = parseRows(name, text);
  const find = (id: string): LocalKey => {
    const found = keys.get(id);
    if (found) return found;
    throw invalid(
      `There is no key ${id} in ${name}. Put it back below the current one: something is wrapped under it.`,
    );
  };
  return {
    name,
    currentKeyId: async () => keys.keys().next().value!,
    async wrap(id, plain) {
      const { cipher, bytes } = find(id);
      const iv = randomBytes(IV_BYTES);
      const { data, tag } = seal(cipher, bytes, iv, Buffer.from(id), plain);
      return Buffer.concat([iv, tag, data]);
    },
    async unwrap(id, wrapped) {
      const { cipher, bytes } = find(id);
      const its = Buffer.from(wrapped);
      const tag = its.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
      const data = its.subarray(IV_BYTES + TAG_BYTES);
      const plain =
        tag.length < TAG_BYTES
          ? null
          : unseal(cipher, bytes, its.subarray(0, IV_BYTES), Buffer.from(id), { data, tag });
      if (plain) return plain;
      throw invalid(`The key ${id} in ${name} is not the one that was used. Restore the one that was.`);
    },
    async [Symbol.asyncDispose]() {
      for (const { bytes } of keys.values()) bytes.fill(0);
    },
  };
}

function parseRows(name: string, text: string): ReadonlyMap<string, LocalKey> {
  const keys = new Map<string, LocalKey>();
  const rows = text
    .replace(/#[^\n]*/g, "")
    .split(/[\s,]+/)
    .filter((each) => each !== "");
  for (const [i, each] of rows.entries()) {
    const [, id, encoded] = row.exec(each) ?? [];
    const bytes = encoded === undefined ? null : decode(encoded);
    const cipher = cipherNames.find((cipher) => cipherKeyBytes[cipher] === bytes?.length);
    if (id === undefined || bytes === null || cipher === undefined) {
      throw invalid(
        `Row ${i + 1} in ${name} is not ID:KEY with a key of 32 or 16 bytes in base64 or hexadecimal. ` +
          'Make one with: echo "$(date +%Y-%m):$(openssl rand -base64 32)"',
      );
    }
    if (bytes.every((byte) => byte === bytes[0]))
      throw invalid(`The key of row ${i + 1} in ${name} is no random one.`);
    if (keys.has(id)) throw invalid(`Row ${i + 1} in ${name} has the id of another row.`);
    assertCipher(cipher, name);
    keys.set(id, { cipher, bytes });
  }
  if (keys.size === 0) throw invalid(`There is no key in ${name}.`);
  return keys;
}

/** Null where the text is not the one spelling of some bytes. */
function decode(encoded: string): Buffer | null {
  if (/^(?:[0-9a-f]{2})+$/i.test(encoded) && (encoded.length === 64 || encoded.length === 32)) {
    return Buffer.from(encoded, "hex");
  }
  const plain = encoded.replace(/=+$/, "");
  const bytes = Buffer.from(plain, "base64");
  const spellings = [bytes.toString("base64url"), bytes.toString("base64").replace(/=+$/, "")];
  return spellings.includes(plain) ? bytes : null;
}

function invalid(message: string) {
  return auditErrors.error("MASKING_KEY_INVALID", message);
}
