/**
 * The second folder: a journal of its own, and where in the log it began. From there on the log is searched for what the
 * folder still has before anything is brought over, so that an event comes to the log once, also where a crash or a slow
 * disk left open whether it had come already. It is brought over in order, and its files go one by one when all
 * their events are durable in the log.
 */
import { join } from "node:path";
import { type Disk, systemDisk } from "../journal/disk.ts";
import { Journal } from "../journal/journal.ts";
import { linesOf } from "../journal/lines.ts";
import { readJournal, readSegment } from "../journal/read-journal.ts";
import { segmentName, segmentsAmong } from "../journal/segment-name.ts";
import { writeDurably } from "../journal/write-durably.ts";

export interface SpillOptions {
  /** The second folder; on another device, or it is in the same trouble. */
  readonly folder: string;
  /** Of the segments of the log. */
  readonly logFolder: string;
  readonly disk?: Disk;
}

/** Lines that go to the log in one commit. */
const mostLines = 4096;
const rollBytes = 16 * 2 ** 20;
const beginName = "begin.json";

export class Spill {
  readonly #options: SpillOptions;
  readonly #disk: Disk;
  readonly #folder: string;
  #journal: Journal;
  /** Index of the log from which it may have events that are here too; null where nothing is here. */
  #begin: number | null;

  private constructor(options: SpillOptions, journal: Journal, begin: number | null) {
    this.#options = options;
    this.#disk = options.disk ?? systemDisk;
    this.#folder = join(options.folder, "journal");
    this.#journal = journal;
    this.#begin = begin;
  }

  /** What an earlier recorder left here waits to be brought over. @throws LOG_DAMAGED, and what the system threw */
  static async open(options: SpillOptions): Promise<Spill> {
    const disk = options.disk ?? systemDisk;
    const journal = await openJournal(options);
    const begin = journal.next === 0 ? null : await readBegin(disk, options.folder);
    return new Spill(options, journal, begin);
  }

  get isEmpty(): boolean {
    return this.#begin === null;
  }

  /** @param logNext index that the next event of the log gets. @throws JournalFault, and what the system threw */
  async append(lines: Uint8Array, count: number, logNext: number): Promise<void> {
    if (this.#begin === null) {
      await this.#disk.makeFolder(this.#options.folder);
      const text = JSON.stringify({ begin: logNext });
      await writeDurably(this.#disk, join(this.#options.folder, beginName), Buffer.from(`${text}\n`));
      this.#begin = logNext;
    }
    await this.#journal.commit(lines, count);
  }

  /**
   * Brings the events of the oldest file to the log. Call it again while it is not empty.
   * @param logNext see `append`
   * @param keep resolves when the lines are durable in the log; what it throws leaves the file here
   * @returns how many were brought over
   */
  async replayOldest(
    logNext: number,
    keep: (lines: readonly Uint8Array[]) => Promise<void>,
  ): Promise<number> {
    await this.#journal.completeOpen();
    const [oldest] = segmentsAmong(await this.#disk.list(this.#folder));
    if (oldest === undefined) {
      await this.#empty();
      return 0;
    }
    const path = join(this.#folder, segmentName(oldest));
    const all = linesOf(await readSegment(this.#disk, path, oldest.form));
    const known = await this.#known(new Set(all.map(idOf)), logNext);
    const missing = all.filter((line) => !known.has(idOf(line)));
    for (let at = 0; at < missing.length; at += mostLines) await keep(missing.slice(at, at + mostLines));
    await this.#disk.unlink(path);
    await this.#disk.syncFolder(this.#folder);
    if (segmentsAmong(await this.#disk.list(this.#folder)).length === 0) await this.#empty();
    return missing.length;
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }

  /** Those of `ids` that the log has. */
  async #known(ids: ReadonlySet<string>, logNext: number): Promise<ReadonlySet<string>> {
    const known = new Set<string>();
    const range = { from: this.#begin ?? logNext, to: logNext };
    for await (const { lines } of readJournal(this.#disk, this.#options.logFolder, range)) {
      for (const line of lines) {
        const id = idOf(line);
        if (ids.has(id)) known.add(id);
      }
    }
    return known;
  }

  async #empty(): Promise<void> {
    await this.#journal.close();
    this.#journal = await openJournal(this.#options);
    this.#begin = null;
  }
}

async function openJournal({ folder, disk = systemDisk }: SpillOptions): Promise<Journal> {
  return await Journal.open({
    folder: join(folder, "journal"),
    quarantine: join(folder, "quarantine"),
    disk,
    rollBytes,
  });
}

/** Where it cannot be read the whole log is searched. */
async function readBegin(disk: Disk, folder: string): Promise<number> {
  try {
    const { begin }: { begin?: unknown } = JSON.parse((await disk.read(join(folder, beginName))).toString());
    return typeof begin === "number" && Number.isSafeInteger(begin) && begin >= 0 ? begin : 0;
  } catch {
    return 0;
  }
}

/** A line begins with it: `lineOf`. */
function idOf(line: Uint8Array): string {
  const { id }: { id?: unknown } = JSON.parse(
    Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString(),
  );
  return String(id);
}
