/**
 * Iteration, one entry at a time, in the order of the keys' hashes. A cursor holds nothing in the map: it may
 * rest for as long as one likes, across `await` too, and it makes no object for a step but the key and value.
 */
import type { Attachment } from "./attachment.ts";
import { ABSENT } from "./core/layout.ts";

/** What a read returns for an absent key where undefined could be a value. */
export const missing = Symbol("missing");

export type CursorParts = "keys" | "entries";

export class Cursor<K, V> {
  readonly #attachment: Attachment;
  readonly #withValue: number;
  /** Every hash below is done. */
  #from = 0;
  #isAtEnd = false;
  /** Keys that have the same hash as the last one. */
  #ties: K[] = [];
  #key: K | undefined;
  #value: V | undefined;

  constructor(attachment: Attachment, parts: CursorParts) {
    this.#attachment = attachment;
    this.#withValue = parts === "entries" ? 1 : 0;
  }

  /** The entry's, after a `next` that returned true. */
  get key(): K {
    return this.#key as K;
  }

  /** The entry's; undefined when the cursor goes over keys only. */
  get value(): V {
    return this.#value as V;
  }

  /** Goes to the next entry; false after the last. */
  next(): boolean {
    while (!this.#isAtEnd || this.#ties.length > 0) {
      if (this.#ties.length > 0) {
        if (this.#takeTie()) return true;
        continue;
      }
      const { core, lane } = this.#attachment;
      const count = core.successor(lane, this.#from, this.#withValue, this.#attachment.now());
      if (count === ABSENT) {
        this.#isAtEnd = true;
        break;
      }
      this.#from = (this.#attachment.foundHash + (count === 0 ? 0 : 1)) | 0;
      if (count !== 0 && this.#from === 0) this.#isAtEnd = true;
      if (count === 1) {
        this.#take();
        return true;
      }
      if (count > 1) this.#listTies(count);
    }
    this.#key = undefined;
    this.#value = undefined;
    return false;
  }

  /** Begins anew, with nothing left of the walk before. */
  reset(): void {
    this.#from = 0;
    this.#isAtEnd = false;
    this.#ties = [];
    this.#key = undefined;
    this.#value = undefined;
  }

  /** Codecs are the user's code and may use the map: everything is copied before the first of them runs. */
  #take(): void {
    const attachment = this.#attachment;
    const valueMeta = attachment.foundValueMeta;
    const key = attachment.copyKey(attachment.foundKeyMeta);
    this.#value = this.#withValue === 1 ? (attachment.values.take(valueMeta) as V) : undefined;
    this.#key = attachment.decodeKey(key) as K;
  }

  #listTies(count: number): void {
    const attachment = this.#attachment;
    const keys: unknown[] = [];
    try {
      for (let i = 0; i < count; i++) {
        attachment.core.deliver(attachment.lane, i, 0);
        keys.push(attachment.copyKey(attachment.foundKeyMeta));
      }
    } finally {
      attachment.core.unpin(attachment.lane);
    }
    this.#ties = keys.map((key) => attachment.decodeKey(key) as K);
  }

  /** It is read now: its value is of now, and it is passed over if it has gone. */
  #takeTie(): boolean {
    const key = this.#ties.shift() as K;
    const value = this.#attachment.read(key, missing);
    if (value === missing) return false;
    this.#key = key;
    this.#value = this.#withValue === 1 ? (value as V) : undefined;
    return true;
  }
}

/** A cursor as JavaScript iterates. Not a generator: those cost several times as much for each step. */
export class CursorIterator<K, V, T> extends Iterator<T, undefined> {
  readonly #cursor: Cursor<K, V>;
  readonly #take: (cursor: Cursor<K, V>) => T;

  constructor(cursor: Cursor<K, V>, take: (cursor: Cursor<K, V>) => T) {
    super();
    this.#cursor = cursor;
    this.#take = take;
  }

  override next(): IteratorResult<T, undefined> {
    if (this.#cursor.next()) return { done: false, value: this.#take(this.#cursor) };
    return { done: true, value: undefined };
  }
}
