/**
 * What stands for a value where its events are to be told apart but not who it is: an HMAC (RFC 2104) under a salt of its subject,
 * 128 bits of it. Phones are few enough to be tried one by one; without the salt no trial can be checked, and the salt goes with its subject.
 */
import type { SubjectKey } from "../keys/find-key.ts";
import { type HashName, hmac } from "../keys/generations.ts";

/** 22 characters of base64url. */
const CHARACTERS = 22;
/** Values of one subject and kind that are kept: its own id, mostly. */
const KEPT = 8;

type ByValue = Map<string, string>;

export class Pseudonyms {
  readonly #hash: HashName;
  /** By kind, then by value. They go with the key, which an erasure drops. */
  readonly #known = new WeakMap<SubjectKey, Map<string, ByValue>>();

  constructor(hash: HashName) {
    this.#hash = hash;
  }

  /** @param kind or tag: the same text means another thing as another kind */
  of(canonical: string, kind: string, key: SubjectKey): string {
    const kinds = entryOf(this.#known, key);
    const known = entryOf(kinds, kind);
    const found = known.get(canonical);
    if (found !== undefined) return found;
    const made = this.#make(canonical, kind, key);
    if (known.size < KEPT) known.set(canonical, made);
    return made;
  }

  /** In one piece: a text put together of two costs `JSON.stringify` several times as much, each time. */
  #make(canonical: string, kind: string, key: SubjectKey): string {
    const digest = hmac(this.#hash, key.salt, `${kind}\n${canonical}`).toString("base64url");
    return Buffer.from(`psn1.${digest.slice(0, CHARACTERS)}`, "latin1").toString("latin1");
  }
}

interface Maps<Key, Name, Value> {
  get(key: Key): Map<Name, Value> | undefined;
  set(key: Key, map: Map<Name, Value>): unknown;
}

function entryOf<Key, Name, Value>(maps: Maps<Key, Name, Value>, key: Key): Map<Name, Value> {
  const found = maps.get(key);
  if (found) return found;
  const made = new Map<Name, Value>();
  maps.set(key, made);
  return made;
}
