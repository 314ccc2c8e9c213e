/**
 * Where events go that the record refuses: a file a day, `DATE.jsonl`, each line with the time, the refusal and the event with its
 * personal data hidden. None goes silently away: whoever keeps an event here is told by callback, and what finds no room is
 * counted.
 *
 * Of bytes that are no JSON only the length and the place are kept. There are no fields to hide anything by; a digest of
 * a text with a phone number in it is found by trying all phone numbers, and one with a key would say no more to an
 * operator than the place, at which the bytes still are where they came from.
 */
import { type FileHandle, mkdir, open, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Clock, systemClock, writeError } from "@cupel/base";
import type { EventRefusal } from "./refusal.ts";
import { createRefusalCounts, type RefusalCounts } from "./refusal-counts.ts";

export interface QuarantineOptions {
  /** Hides personal data in any value, names of members included: see `Masker.scrub`. */
  readonly scrub: (value: unknown) => unknown;
  /** Told of every refusal, when it is kept or cannot be. Must not throw. */
  readonly onRefused?: (alert: RefusalAlert) => void;
  /** Of all files of the folder together. Default 64 MiB. */
  readonly mostBytes?: number;
  readonly clock?: Clock;
}

export interface RefusalAlert {
  readonly refusal: EventRefusal;
  /** False where the quarantine is full or could not be written. */
  readonly isKept: boolean;
}

export interface UnparsedBytes {
  readonly length: number;
  /** In words: the file and the line, for instance. */
  readonly place: string;
}

export interface Quarantine extends AsyncDisposable {
  /** Resolves when it is durable, or counted where there is no room. @throws DISK_FULL, WRITE_FAILED */
  keepEvent(event: unknown, refusal: EventRefusal): Promise<void>;
  keepUnparsed(bytes: UnparsedBytes, refusal: EventRefusal): Promise<void>;
  readonly counts: RefusalCounts;
  /** Refusals for which there was no room. */
  readonly full: number;
  /** Refusals that could not be written. */
  readonly failed: number;
}

const usualMostBytes = 64 * 2 ** 20;
const dayFile = /^\d{4}-\d\d-\d\d\.jsonl$/;

/** @throws WRITE_FAILED where the folder cannot be made or read */
export async function openQuarantine(folder: string, options: QuarantineOptions): Promise<Quarantine> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const names = (await readdir(folder)).filter((name) => dayFile.test(name));
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
    return new FolderQuarantine(
      folder,
      options,
      sizes.reduce((sum, size) => sum + size, 0),
    );
  } catch (thrown) {
    throw writeError(folder, thrown);
  }
}

interface Waiting {
  readonly line: Buffer;
  readonly refusal: EventRefusal;
  readonly done: PromiseWithResolvers<void>;
}

class FolderQuarantine implements Quarantine {
  readonly counts = createRefusalCounts();
  full = 0;
  failed = 0;
  readonly #folder: string;
  readonly #scrub: (value: unknown) => unknown;
  readonly #onRefused: (alert: RefusalAlert) => void;
  readonly #mostBytes: number;
  readonly #clock: Clock;
  #bytes: number;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;

  constructor(folder: string, options: QuarantineOptions, bytes: number) {
    const { scrub, onRefused = () => {}, mostBytes = usualMostBytes, clock = systemClock } = options;
    this.#folder = folder;
    this.#scrub = scrub;
    this.#onRefused = onRefused;
    this.#mostBytes = mostBytes;
    this.#clock = clock;
    this.#bytes = bytes;
  }

  keepEvent(event: unknown, refusal: EventRefusal): Promise<void> {
    return this.#keep({ event: this.#hidden(event) }, refusal);
  }

  keepUnparsed({ length, place }: UnparsedBytes, refusal: EventRefusal): Promise<void> {
    return this.#keep({ unparsed: { length, place } }, refusal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
  }

  /** Null of what JSON cannot say, such as what holds itself. */
  #hidden(event: unknown): unknown {
    try {
      const hidden = this.#scrub(event);
      return JSON.stringify(hidden) === undefined ? null : hidden;
    } catch {
      return null;
    }
  }

  async #keep(kept: Readonly<Record<string, unknown>>, given: EventRefusal): Promise<void> {
    // Names of facts are in it.
    const pointer = String(this.#scrub(given.pointer));
    const refusal = { ...given, pointer, message: given.message.replaceAll(given.pointer || "\0", pointer) };
    this.counts.add(refusal);
    const time = new Date(this.#clock.now()).toISOString();
    const line = Buffer.from(`${JSON.stringify({ time, refusal, ...kept })}\n`);
    if (this.#bytes + line.length > this.#mostBytes) {
      this.full++;
      this.#onRefused({ refusal, isKept: false });
      return;
    }
    this.#bytes += line.length;
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ line, refusal, done });
    this.#writing ??= this.#writeAll();
    await done.promise;
  }

  /** Those that came while others were written are written together. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const path = join(this.#folder, `${new Date(this.#clock.now()).toISOString().slice(0, 10)}.jsonl`);
      try {
        await appendDurably(path, Buffer.concat(batch.map(({ line }) => line)));
        this.#settle(batch, null);
      } catch (thrown) {
        this.#settle(batch, writeError(path, thrown));
      }
    }
    this.#writing = null;
  }

  #settle(batch: readonly Waiting[], error: Error | null): void {
    for (const { line, refusal, done } of batch) {
      if (error !== null) {
        this.failed++;
        this.#bytes -= line.length;
      }
      this.#onRefused({ refusal, isKept: error === null });
      if (error === null) done.resolve();
      else done.reject(error);
    }
  }
}

/** Whole lines or none of them: what a full device took of them is taken back, and a line that a crash cut short is ended. */
async function appendDurably(path: string, lines: Buffer): Promise<void> {
  const file = await open(path, "a+", 0o600);
  try {
    const { size } = await file.stat();
    const bytes = (await endsALine(file, size)) ? lines : Buffer.concat([Buffer.from("\n"), lines]);
    try {
      // It writes the rest where the system took less than was offered.
      await file.writeFile(bytes);
      await file.sync();
      if (size === 0) await syncFolder(dirname(path));
    } catch (thrown) {
      await file.truncate(size).catch(() => {});
      throw thrown;
    }
  } finally {
    await file.close();
  }
}

/** The name of a new file lasts with its folder; Windows opens none, and needs it not. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function endsALine(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return true;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return bytesRead === 1 && buffer[0] === 0x0a;
}
