/**
 * Keys in a hardware module, through its PKCS#11 library (OASIS PKCS #11 v2.40) and `node:ffi`, which is experimental: nothing uses this
 * unless it is named. Keys never leave the module: it wraps and unwraps with AES-GCM (CKM_AES_GCM). A call blocks the thread while the module
 * works, which it is asked for when a record is opened and never for an event.
 */
import { randomBytes } from "node:crypto";
import { reasonOf } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import { IV_BYTES, TAG_BYTES } from "./authenticated-cipher.ts";
import type { KeyProvider } from "./key-provider.ts";
import { type Cryptoki, loadCryptoki } from "./pkcs11/cryptoki.ts";

export interface Pkcs11Options {
  /** The library of the module: /usr/lib/softhsm/libsofthsm2.so */
  readonly library: string;
  /** Label of the token. */
  readonly token: string;
  readonly pin: string;
  /** Labels of AES keys: the current one, then older ones that something is wrapped under. */
  readonly keys: readonly [string, ...string[]];
}

/** @throws KEY_PROVIDER_UNAVAILABLE where Node.js has no `node:ffi` or the module does not open; MASKING_KEY_INVALID where PIN, token or a key is wrong */
export async function openPkcs11Keys({ library, token, pin, keys }: Pkcs11Options): Promise<KeyProvider> {
  const name = `the token ${token} of ${library}`;
  const attempt = <Result>(what: string, work: () => Result): Result => {
    try {
      return work();
    } catch (thrown) {
      throw auditErrors.error("MASKING_KEY_INVALID", `${name} could not ${what}: ${reasonOf(thrown)}.`);
    }
  };
  let module: Cryptoki;
  try {
    module = await loadCryptoki(library);
  } catch (thrown) {
    throw auditErrors.error(
      "KEY_PROVIDER_UNAVAILABLE",
      `The PKCS#11 library ${library} does not open: ${reasonOf(thrown)}. Check its path, and that Node.js is 26 or newer.`,
    );
  }
  await using opening = new AsyncDisposableStack();
  opening.use(module);
  const session = attempt("be opened", () => module.openSession(token, pin));
  const handles = new Map(
    keys.map((label) => [label, attempt(`find the key ${label}`, () => session.findKey(label))]),
  );
  const handleOf = (id: string): bigint => {
    const found = handles.get(id);
    if (found !== undefined) return found;
    throw auditErrors.error(
      "MASKING_KEY_INVALID",
      `${id} is none of the keys that are named of ${name}. Name it after the current one: something is wrapped under it.`,
    );
  };
  const owned = opening.move();
  return {
    name,
    currentKeyId: async () => keys[0],
    async wrap(id, plain) {
      const iv = randomBytes(IV_BYTES);
      const sealed = attempt(`wrap under ${id}`, () =>
        session.encrypt(handleOf(id), iv, Buffer.from(id), Buffer.from(plain)),
      );
      return Buffer.concat([iv, sealed]);
    },
    async unwrap(id, wrapped) {
      const its = Buffer.from(wrapped);
      return attempt(`unwrap under ${id}`, () => {
        if (its.length < IV_BYTES + TAG_BYTES) throw new Error("what is to be unwrapped is too short");
        return session.decrypt(
          handleOf(id),
          its.subarray(0, IV_BYTES),
          Buffer.from(id),
          its.subarray(IV_BYTES),
        );
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
