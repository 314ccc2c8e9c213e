/**
 * What stands for a value where its events are to be told apart but not who it is: an HMAC (RFC 2104) under a salt of its subject,
 * 128 bits of it. Phones are few enough to be tried one by one; without the salt no trial can be checked, and the salt goes with its subject.
 */
import type { SubjectKey } from "../keys/find-key.ts";
import { type HashName, hmac } from "../keys/generations.ts";

/** 22 characters of base64url. */
const CHARACTERS = 22;
/** Values of one subject that are kept: its own id, mostly. */
const KEPT = 8;

export class Pseudonyms {
  readonly #hash: HashName;
  readonly #known = new WeakMap<SubjectKey, Map<string, string>>();

  constructor(hash: HashName) {
    this.#hash = hash;
  }

  /** @param kind or tag: the same text means another thing as another kind */
  of(canonical: string, kind: string, key: SubjectKey): string {
    let known = this.#known.get(key);
    if (!known) {
      known = new Map();
      this.#known.set(key, known);
    }
    const name = `${kind}\n${canonical}`;
    const found = known.get(name);
    if (found !== undefined) return found;
    const made = `psn1.${hmac(this.#hash, key.salt, name).toString("base64url").slice(0, CHARACTERS)}`;
    if (known.size < KEPT) known.set(name, made);
    return made;
  }
}
