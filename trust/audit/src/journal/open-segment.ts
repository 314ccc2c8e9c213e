/**
 * The segment that is being written. `acknowledged` is how many of its bytes are durable for sure; what lies beyond is of
 * a write that failed or is under way. It can be in four states:
 *   sound     the next write goes to its end
 *   dirty     a write failed: it is cut to what was acknowledged before the next one
 *   lost      its name is gone or leads to another file: it is written again, from the descriptor, under its name
 *   abandoned its synchronisation failed. The system may have dropped what it could not write and call the next
 *             synchronisation a success, so that nothing is ever written to this descriptor again.
 */
import { dirname, join } from "node:path";
import type { Disk, DiskFile } from "./disk.ts";
import { JournalFault } from "./journal-fault.ts";
import { wholeLines } from "./lines.ts";
import { segmentName } from "./segment-name.ts";
import { setAsideFile, writeAll, writeDurably } from "./write-durably.ts";

const newline = 0x0a;

export interface SegmentPlace {
  readonly disk: Disk;
  readonly folder: string;
  readonly quarantine: string;
}

export interface SegmentStart {
  readonly first: number;
  readonly count: number;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly since: number;
}

export class OpenSegment {
  readonly first: number;
  readonly since: number;
  readonly #place: SegmentPlace;
  readonly #path: string;
  #file: DiskFile;
  #inode: number;
  #device: number;
  #acknowledged: number;
  #count: number;
  #before = { size: 0, count: 0 };
  #state: "sound" | "dirty" | "lost" | "abandoned" = "sound";

  private constructor(
    place: SegmentPlace,
    start: SegmentStart,
    file: DiskFile,
    inode: number,
    device: number,
  ) {
    this.#place = place;
    this.#path = join(place.folder, segmentName({ first: start.first, form: "open" }));
    this.first = start.first;
    this.since = start.since;
    this.#acknowledged = start.size;
    this.#count = start.count;
    this.#file = file;
    this.#inode = inode;
    this.#device = device;
  }

  /** A new one. Its name is durable before anything in it is. What has its name is set aside: nothing in that was acknowledged. */
  static async begin(place: SegmentPlace, first: number, since: number): Promise<OpenSegment> {
    const { disk, folder, quarantine } = place;
    const path = join(folder, segmentName({ first, form: "open" }));
    await disk.makeFolder(folder);
    if ((await disk.identity(path)) !== null)
      await setAsideFile(disk, quarantine, { kind: "abandoned", path });
    const segment = await OpenSegment.#of(
      place,
      { first, count: 0, size: 0, since },
      await disk.create(path),
    );
    try {
      await disk.syncFolder(folder);
    } catch (thrown) {
      await segment.release();
      throw thrown;
    }
    return segment;
  }

  /** One that `recoverJournal` left, or `restore` wrote. */
  static async resume(place: SegmentPlace, start: SegmentStart): Promise<OpenSegment> {
    const path = join(place.folder, segmentName({ first: start.first, form: "open" }));
    return await OpenSegment.#of(place, start, await place.disk.open(path));
  }

  static async #of(place: SegmentPlace, start: SegmentStart, file: DiskFile): Promise<OpenSegment> {
    try {
      const { inode, device } = await file.identity();
      return new OpenSegment(place, start, file, inode, device);
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  }

  get path(): string {
    return this.#path;
  }

  /** Bytes acknowledged. */
  get size(): number {
    return this.#acknowledged;
  }

  /** Events acknowledged. */
  get count(): number {
    return this.#count;
  }

  get isAbandoned(): boolean {
    return this.#state === "abandoned";
  }

  /**
   * Resolves when `bytes` are durable under the segment's name.
   * @param onLost told when the name had to be made again
   * @throws JournalFault: none of them counts then
   */
  async append(bytes: Uint8Array, count: number, onLost: (fault: JournalFault) => void): Promise<void> {
    if (this.#state === "lost") await this.#restore(this.#acknowledged, this.#count);
    if (this.#state === "dirty") await this.#cut();
    this.#state = "dirty";
    const size = this.#acknowledged + bytes.byteLength;
    try {
      await writeAll(this.#file, bytes, this.#acknowledged);
    } catch (thrown) {
      throw JournalFault.of(thrown, `writing ${this.#path}`);
    }
    await this.#sync();
    // Two requests of the pool less for each commit: on a server they cost more than recording an event.
    const fault = (await this.#look(true)) ?? (await this.#lookForHole(true));
    if (fault !== null) {
      if (fault.fault === "truncated") this.#state = "abandoned";
      if (fault.fault !== "unlinked") throw fault;
      onLost(fault);
      await this.#restore(size, this.#count + count);
    }
    this.#before = { size: this.#acknowledged, count: this.#count };
    this.#acknowledged = size;
    this.#count += count;
    this.#state = "sound";
  }

  /** Whether its name still leads to it, between two appends. What is lost is written again. @throws JournalFault */
  async watch(onLost: (fault: JournalFault) => void): Promise<void> {
    if (this.#state !== "sound") return;
    const fault = (await this.#look()) ?? (await this.#lookForHole());
    if (fault === null) return;
    onLost(fault);
    if (fault.fault === "truncated") this.#state = "abandoned";
    if (fault.fault === "unlinked") await this.#restore(this.#acknowledged, this.#count);
  }

  /**
   * Gives it the name of a complete one. Nothing may be under way. Where it is not sound, or its name lost, what was
   * acknowledged is copied.
   */
  async complete(): Promise<void> {
    const { disk, folder, quarantine } = this.#place;
    const closed = join(folder, segmentName({ first: this.first, form: "plain" }));
    const isOurs = this.#isSame(await disk.identity(this.#path));
    if (this.#count === 0) {
      if (isOurs) await setAsideFile(disk, quarantine, { kind: "abandoned", path: this.#path });
    } else if (this.#state === "sound" && isOurs) {
      await disk.rename(this.#path, closed);
      await disk.syncFolder(folder);
    } else {
      await writeDurably(disk, closed, await this.#content(this.#acknowledged, this.#count));
      if (isOurs) await disk.unlink(this.#path);
      await disk.syncFolder(folder);
    }
    await this.release();
  }

  /** The last append counts no more: who asked for it had given it up, and it succeeded after all. */
  takeBack(): void {
    this.#state = "dirty";
    this.#acknowledged = this.#before.size;
    this.#count = this.#before.count;
  }

  /** Closes the descriptor. What was not acknowledged is cut off where that can be done. */
  async release(): Promise<void> {
    try {
      if (this.#state === "dirty") await this.#file.truncate(this.#acknowledged);
      if (this.#state === "dirty") await this.#file.sync();
    } catch {
      // Whoever opens the log next sets it aside, or finds it whole and takes it.
    }
    await this.#file.close().catch(() => {});
  }

  async #sync(): Promise<void> {
    try {
      await this.#file.sync();
    } catch (thrown) {
      this.#state = "abandoned";
      throw JournalFault.of(thrown, `synchronising ${this.#path}`);
    }
  }

  async #cut(): Promise<void> {
    try {
      await this.#file.truncate(this.#acknowledged);
    } catch (thrown) {
      throw JournalFault.of(thrown, `cutting ${this.#path}`);
    }
  }

  async #look(isAwake = false): Promise<JournalFault | null> {
    try {
      const found = await this.#place.disk.identity(this.#path, isAwake);
      if (this.#isSame(found)) return null;
      const what = found === null ? "was removed" : "was replaced by another file";
      return new JournalFault("unlinked", `${this.#path} ${what} while it was written`);
    } catch (thrown) {
      return JournalFault.of(thrown, `looking at ${this.#path}`);
    }
  }

  /** Where somebody cut it, what was acknowledged no longer ends in a newline. */
  async #lookForHole(isAwake = false): Promise<JournalFault | null> {
    if (this.#acknowledged === 0) return null;
    try {
      const [last] = await this.#file.read(this.#acknowledged - 1, 1, isAwake);
      if (last === newline) return null;
      return new JournalFault("truncated", `${this.#path} was cut or overwritten by something else`);
    } catch (thrown) {
      return JournalFault.of(thrown, `looking at ${this.#path}`);
    }
  }

  #isSame<Found extends { readonly inode: number; readonly device: number }>(
    found: Found | null,
  ): found is Found {
    return found !== null && found.inode === this.#inode && found.device === this.#device;
  }

  /** Of a file without a name too: its descriptor still leads to it. */
  async #content(size: number, count: number): Promise<Buffer> {
    const bytes = await this.#file.read(0, size);
    const whole = wholeLines(bytes, count);
    if (whole.count === count && whole.length === size) return bytes;
    throw new JournalFault("truncated", `${this.#path} has ${whole.count} whole events of ${count}`);
  }

  async #restore(size: number, count: number): Promise<void> {
    this.#state = "lost";
    const { disk, folder, quarantine } = this.#place;
    try {
      const content = await this.#content(size, count);
      await disk.makeFolder(dirname(this.#path));
      const found = await disk.identity(this.#path);
      if (found !== null && !this.#isSame(found)) {
        await setAsideFile(disk, quarantine, { kind: "foreign", path: this.#path });
      }
      await writeDurably(disk, this.#path, content);
      const again = await OpenSegment.resume(this.#place, {
        first: this.first,
        count,
        size,
        since: this.since,
      });
      await this.release();
      this.#file = again.#file;
      this.#inode = again.#inode;
      this.#device = again.#device;
      this.#state = "sound";
    } catch (thrown) {
      throw JournalFault.of(thrown, `writing ${folder} again, which was removed`);
    }
  }
}
