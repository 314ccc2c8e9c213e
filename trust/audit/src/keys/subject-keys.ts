/**
 * A key and a salt for each subject, made when an event first names it and destroyed when it is erased: what was written under
 * them is then noise, while every line of the record stays as it is.
 *
 *     generations.json   keys that subjects' keys are wrapped under, wrapped by the provider (generations.ts)
 *     subjects           a record of 136 bytes for each key (key-record.ts); says of no subject who it is
 *     erasures.jsonl     erasures begun and ended (erasure-journal.ts)
 *
 * `keyOf` is synchronous. A key that it makes is in memory only: what was written with it MUST NOT be made durable before
 * `settled()`, called after `keyOf`, has resolved. After a crash a key is then there for everything that is.
 *
 * What is destroyed: the record in `subjects` and in the copies that are named, by overwriting in place, and the key in memory. What a
 * file system or a drive keeps elsewhere is out of reach: snapshots, copy-on-write, spare blocks of an SSD, swap. There, erasure
 * holds against whoever lacks the provider's key, and in full once that key is rotated out and destroyed.
 */
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Clock, type FileLock, lockFile, systemClock, writeError } from "@cupel/base";
import { type CipherName, createIvSource, seal } from "./authenticated-cipher.ts";
import { BoundedCache } from "./bounded-cache.ts";
import { type DurableFile, type OpenDurableFile, openDurableFile } from "./durable-file.ts";
import { type ErasedRecord, type ErasureJournal, openErasureJournal } from "./erasure-journal.ts";
import {
  findKey,
  type KeyRecords,
  keyFrom,
  openRecord,
  SALT_AT,
  type SubjectKey,
  type SubjectKeyReader,
} from "./find-key.ts";
import { type Generations, type HashName, openGenerations } from "./generations.ts";
import { type CopyOutcome, eraseInCopies, eraseRecords } from "./key-copies.ts";
import type { KeyProvider } from "./key-provider.ts";
import {
  boundOf,
  encodeRecord,
  keyIdOf,
  NONCE_BYTES,
  parseRecord,
  RECORD_BYTES,
  SECRET_BYTES,
} from "./key-record.ts";

export interface Erasure {
  /** Keys that were destroyed; 0 where the subject has none, or has none any more. */
  readonly keys: number;
  readonly copies: readonly CopyOutcome[];
  /** False while a copy was not reached: the next opening and the next erasure try again. */
  readonly isComplete: boolean;
}

export interface SubjectKeys extends SubjectKeyReader, AsyncDisposable {
  /** The current key of a subject, made where there is none. "" stands for events that name no subject. */
  keyOf(subject: string): SubjectKey;
  /** A copy of the key of a subject, the caller's to wipe; null where there is none, and none is made. */
  heldOf(subject: string): SubjectKey | null;
  /** Resolves when every key that was made before lasts. @throws WRITE_FAILED, DISK_FULL; what was not written is tried again */
  settled(): Promise<void>;
  /** Destroys all keys of a subject, and with them its pseudonyms. Again, it does nothing. @throws WRITE_FAILED, DISK_FULL */
  erase(subject: string): Promise<Erasure>;
  /** Of the file: how many keys live, and how many records cannot be read. */
  readonly counts: { readonly live: number; readonly unreadable: number };
}

export interface SubjectKeysOptions {
  readonly provider: KeyProvider;
  readonly cipher: CipherName;
  /** Of the index; what the folder was made with stays. */
  readonly hash: HashName;
  /** Files and folders with copies of `subjects`, which an erasure reaches too. Default: none. */
  readonly copies?: readonly string[] | undefined;
  /** Keys in memory; others are read when needed. Default 10,000, about 5 MB. */
  readonly inMemory?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly openFile?: OpenDurableFile | undefined;
}

const IN_MEMORY = 10_000;
const READ_AT_ONCE = 4096;

/**
 * @param folder of one record, held by this process alone until it is disposed
 * @throws FILE_LOCKED, MASKING_KEY_INVALID, KEY_PROVIDER_UNAVAILABLE, SUBJECT_KEYS_DAMAGED, WRITE_FAILED, DISK_FULL
 */
export async function openSubjectKeys(folder: string, options: SubjectKeysOptions): Promise<SubjectKeys> {
  const { openFile = openDurableFile, provider } = options;
  const path = join(folder, "subjects");
  await using opening = new AsyncDisposableStack();
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((thrown) => {
    throw writeError(folder, thrown);
  });
  const lock = opening.use(await lockFile(path, "record of keys"));
  const generations = await openGenerations(join(folder, "generations.json"), provider, options);
  const journalPath = join(folder, "erasures.jsonl");
  const journal = openErasureJournal(opening.use(await openFile(journalPath)), journalPath);
  const file = opening.use(await openFile(path));
  // A file that was put back from a backup may hold keys that were erased since.
  await eraseRecords(file, journal.erased);
  const keys = new SubjectKeyFile(file, { generations, journal, lock, path, options });
  await keys.finishErasures();
  keys.index();
  keys.owns(opening.move());
  return keys;
}

interface Parts {
  readonly generations: Generations;
  readonly journal: ErasureJournal;
  readonly lock: FileLock;
  readonly path: string;
  readonly options: SubjectKeysOptions;
}

class SubjectKeyFile implements SubjectKeys {
  readonly #file: DurableFile;
  readonly #parts: Parts;
  readonly #records: KeyRecords;
  readonly #openFile: OpenDurableFile;
  readonly #clock: Clock;
  readonly #bySubject: BoundedCache<SubjectKey>;
  readonly #byId: BoundedCache<SubjectKey>;
  /** Numbers of the records of each tag, oldest first. */
  readonly #numbers = new Map<string, readonly number[]>();
  readonly #nextIv = createIvSource();
  /** Records on the device; those after it are in `#pending`. */
  #durable: number;
  readonly #pending: Buffer[] = [];
  #writing: Promise<void> | null = null;
  #erasing: Promise<unknown> = Promise.resolve();
  #unreadable = 0;
  #owned: AsyncDisposableStack | null = null;

  constructor(file: DurableFile, parts: Parts) {
    const { options } = parts;
    this.#file = file;
    this.#parts = parts;
    this.#records = {
      generations: parts.generations,
      unfinished: parts.journal.unfinished,
      bytesOf: (number) => this.#bytesOf(number),
    };
    this.#openFile = options.openFile ?? openDurableFile;
    this.#clock = options.clock ?? systemClock;
    this.#bySubject = new BoundedCache(options.inMemory ?? IN_MEMORY);
    this.#byId = new BoundedCache(options.inMemory ?? IN_MEMORY);
    // A record that was cut off at the end never settled: the next one overwrites it.
    this.#durable = Math.floor(file.size() / RECORD_BYTES);
  }

  owns(stack: AsyncDisposableStack): void {
    this.#owned = stack;
  }

  index(): void {
    for (let first = 0; first < this.#durable; first += READ_AT_ONCE) {
      const bytes = this.#file.read(first * RECORD_BYTES, READ_AT_ONCE * RECORD_BYTES);
      for (
        let at = 0;
        at + RECORD_BYTES <= bytes.length && first + at / RECORD_BYTES < this.#durable;
        at += RECORD_BYTES
      ) {
        const found = parseRecord(bytes.subarray(at, at + RECORD_BYTES));
        if (found.state === "live") this.#enter(found.tag, first + at / RECORD_BYTES);
        else if (found.state === "unreadable") this.#unreadable++;
      }
    }
  }

  get counts() {
    let live = 0;
    for (const numbers of this.#numbers.values()) live += numbers.length;
    return { live, unreadable: this.#unreadable };
  }

  keyOf(subject: string): SubjectKey {
    const held = this.#bySubject.get(subject);
    if (held) return held;
    const { generations } = this.#parts;
    const tag = generations.tagOf(subject);
    const number = this.#numbers.get(tag.toString("latin1"))?.at(-1);
    const found = number === undefined ? null : openRecord(this.#records, number);
    const isCurrent = found?.generation === generations.current;
    const key =
      found && isCurrent
        ? found.key
        : this.#make(tag, found?.key.salt ?? randomBytes(SECRET_BYTES - SALT_AT));
    this.#bySubject.set(subject, key);
    return key;
  }

  heldOf(subject: string): SubjectKey | null {
    const number = this.#numbers.get(this.#parts.generations.tagOf(subject).toString("latin1"))?.at(-1);
    return number === undefined ? null : (openRecord(this.#records, number)?.key ?? null);
  }

  find(keyId: string): SubjectKey | "erased" | "unknown" {
    const held = this.#byId.get(keyId);
    if (held) return held;
    const found = findKey(this.#records, keyId);
    if (typeof found === "object") this.#byId.set(keyId, found);
    return found;
  }

  async settled(): Promise<void> {
    const until = this.#durable + this.#pending.length;
    while (this.#durable < until) {
      this.#writing ??= this.#writePending().finally(() => {
        this.#writing = null;
      });
      await this.#writing;
    }
  }

  erase(subject: string): Promise<Erasure> {
    const mine = this.#erasing.then(() => this.#erase(subject));
    this.#erasing = mine.catch(() => {});
    return mine;
  }

  /** Those that were begun and not ended, each again. @returns of the copies, what was found */
  async finishErasures(): Promise<readonly CopyOutcome[]> {
    const { journal, options, path } = this.#parts;
    const outcomes: CopyOutcome[] = [];
    for (const [number, records] of [...journal.unfinished]) {
      await eraseRecords(this.#file, records);
      const copies = await eraseInCopies(options.copies ?? [], basename(path), records, this.#openFile);
      outcomes.push(...copies);
      if (copies.every(({ state }) => state === "clean")) await journal.end(number);
    }
    return outcomes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#erasing;
      await this.settled();
    } finally {
      await this.#owned?.disposeAsync();
    }
  }

  async #erase(subject: string): Promise<Erasure> {
    await this.settled();
    await this.#parts.lock.assertHeld();
    const tag = this.#parts.generations.tagOf(subject).toString("latin1");
    const numbers = this.#numbers.get(tag) ?? [];
    const records = numbers.map((number) => ({ number, nonce: this.#nonceOf(number) }));
    if (records.length > 0) {
      // From here on an event of the subject gets a new key, with nothing of the old ones.
      this.#numbers.delete(tag);
      this.#forget(subject, records);
      try {
        await this.#parts.journal.begin(records, new Date(this.#clock.now()));
      } catch (thrown) {
        this.#numbers.set(tag, [...numbers, ...(this.#numbers.get(tag) ?? [])]);
        throw thrown;
      }
      // Somebody may have read with one meanwhile.
      this.#forget(null, records);
    }
    const copies = await this.finishErasures();
    return { keys: records.length, copies, isComplete: this.#parts.journal.unfinished.size === 0 };
  }

  #forget(subject: string | null, records: readonly ErasedRecord[]): void {
    const held: (SubjectKey | undefined)[] = [];
    if (subject !== null) {
      held.push(this.#bySubject.get(subject));
      this.#bySubject.delete(subject);
    }
    for (const { number, nonce } of records) {
      const id = keyIdOf(number, Buffer.from(nonce, "base64url"));
      held.push(this.#byId.get(id));
      this.#byId.delete(id);
    }
    for (const key of held) {
      key?.key.fill(0);
      key?.salt.fill(0);
    }
  }

  #make(tag: Buffer, salt: Uint8Array): SubjectKey {
    const { current } = this.#parts.generations;
    const number = this.#durable + this.#pending.length;
    const nonce = randomBytes(NONCE_BYTES);
    const secret = Buffer.concat([randomBytes(SALT_AT), salt]);
    const head = { nonce, generation: current.id, tag };
    const iv = this.#nextIv();
    const sealed = seal(current.cipher, current.key, iv, boundOf(number, head), secret);
    this.#pending.push(encodeRecord({ ...head, iv, cipherTag: sealed.tag, wrapped: sealed.data }));
    this.#enter(tag, number);
    return keyFrom(number, nonce, current, secret);
  }

  #bytesOf(number: number): Buffer {
    return number < this.#durable
      ? this.#file.read(number * RECORD_BYTES, RECORD_BYTES)
      : (this.#pending[number - this.#durable] ?? Buffer.alloc(0));
  }

  #nonceOf(number: number): string {
    return this.#bytesOf(number)
      .subarray(4, 4 + NONCE_BYTES)
      .toString("base64url");
  }

  #enter(tag: Buffer, number: number): void {
    const name = tag.toString("latin1");
    this.#numbers.set(name, [...(this.#numbers.get(name) ?? []), number]);
  }

  async #writePending(): Promise<void> {
    const batch = this.#pending.slice();
    await this.#parts.lock.assertHeld();
    await this.#file.write(this.#durable * RECORD_BYTES, Buffer.concat(batch));
    await this.#file.sync();
    // Not before: where the flush failed, all of it is written again.
    this.#pending.splice(0, batch.length);
    this.#durable += batch.length;
  }
}
