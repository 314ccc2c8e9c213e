/**
 * A look at the whole memory of a map, in which everything that is told twice must agree: what `fsck` is to a
 * disk. It reads the memory as it lies, without the core, so that it does not share the core's mistakes.
 */
import type { Attachment } from "./attachment.ts";
import {
  CHUNK,
  CLASS_PAGES,
  CLASS_SIZES,
  DEPTH,
  DESCRIPTOR_BYTES,
  DIRECTORY,
  DIRECTORY_LOCK,
  EMPTY,
  ENTRIES,
  ENTRY,
  FIRST_PAGE,
  FIXED,
  FREE,
  FREE_PAGES,
  FREE_UNITS,
  FRONTIER,
  FULL,
  GROUP_BITS,
  GROUP_BYTES,
  GROUPS,
  HASH,
  HEAP_LOCK,
  HELD,
  IN_LIMBO,
  KEY,
  KEY_META,
  KIND,
  LANE_BYTES,
  LANES,
  LEFT,
  LIMBO,
  LIMBO_UNITS,
  LINK,
  LIVE,
  MAX_INLINE_BYTES,
  OWNER,
  PAGE_BYTES,
  PAGE_CARVED,
  PAGE_CLASS,
  PAGE_FREE,
  PAGE_FREE_COUNT,
  PAGE_NEXT,
  PAGE_TABLE,
  PENDING,
  PIN,
  PREFIX,
  READY,
  REFERENCES,
  RETIRED,
  ROOT,
  SEGMENT,
  SEGMENT_HELD,
  SEGMENT_LOCK,
  SLOTS,
  STATE,
  USED,
  VALUE_META,
} from "./core/layout.ts";
import { sharedMapErrors } from "./errors.ts";
import { classSizes } from "./geometry.ts";
import { bufferOf } from "./handle.ts";

export interface CheckReport {
  readonly entries: number;
  readonly segments: number;
  /** Blocks by what they are. */
  readonly blocks: Readonly<Record<"entry" | "chunk" | "segment" | "limbo" | "free", number>>;
  readonly pages: number;
}

/** @throws MAP_CORRUPT with all that was found */
export function checkMemory(attachment: Attachment): CheckReport {
  const memory = new MemoryCheck(attachment);
  const entries = memory.checkTable();
  memory.checkCount(entries);
  memory.checkLists();
  memory.checkBlocks();
  memory.checkLocks();
  if (memory.faults.length === 0) return memory.report(entries);
  throw sharedMapErrors.error(
    "MAP_CORRUPT",
    `The map's memory is inconsistent: ${memory.faults.slice(0, 5).join("; ")}${memory.faults.length > 5 ? `; and ${memory.faults.length - 5} more` : ""}. So it looks, too, while a thread works with it.`,
    { details: { faults: memory.faults.slice(0, 100) } },
  );
}

class MemoryCheck {
  readonly faults: string[] = [];
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #attachment: Attachment;
  /** Blocks that something refers to, and what they must be. */
  readonly #referred = new Map<number, number>();
  readonly #free = new Set<number>();
  readonly #counts = new Map<number, number>();
  #segments = 0;

  constructor(attachment: Attachment) {
    this.#attachment = attachment;
    const buffer = bufferOf(attachment.handle.memory);
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
  }

  report(entries: number): CheckReport {
    const count = (kind: number) => this.#counts.get(kind) ?? 0;
    return {
      entries,
      segments: this.#segments,
      blocks: {
        entry: count(ENTRY) + count(FIXED),
        chunk: count(CHUNK),
        segment: count(SEGMENT),
        limbo: count(IN_LIMBO),
        free: count(FREE),
      },
      pages: this.#at(FRONTIER),
    };
  }

  #at(address: number): number {
    return this.#words[address >>> 2]!;
  }

  #kind(block: number): number {
    return this.#at(block + STATE) & KIND;
  }

  #expect(holds: boolean, fault: string): void {
    if (!holds) this.faults.push(fault);
  }

  #refer(block: number, kind: number, from: string): void {
    this.#expect(!this.#referred.has(block), `block ${block >>> 0} is referred to twice, from ${from}`);
    this.#referred.set(block, kind);
  }

  /** Every prefix has its segment, and every entry is where a reader looks for it. Returns the entries. */
  checkTable(): number {
    const root = this.#at(ROOT);
    const directory = this.#at(DIRECTORY) + 4 * 2 ** root;
    let entries = 0;
    for (let index = 0; index < 2 ** root; ) {
      const segment = this.#at(directory + index * 4);
      const depth = this.#at(segment + DEPTH);
      const span = 2 ** (root - depth);
      const prefix = root === 0 ? 0 : index * 2 ** (32 - root);
      this.#expect(this.#at(segment + PREFIX) >>> 0 === prefix, `segment at ${index} has another prefix`);
      this.#expect(this.#at(segment + LEFT) === 0, `segment at ${index} was replaced, but is still in force`);
      this.#expect(this.#at(segment + SEGMENT_LOCK) === 0, `segment at ${index} is locked`);
      for (let i = 0; i < span; i++) {
        const same = this.#at(directory + (index + i) * 4) === segment;
        this.#expect(same, `directory entry ${index + i} is not its segment's`);
      }
      this.#refer(segment, SEGMENT, "the directory");
      this.#segments++;
      entries += this.#checkSegment(segment, depth, prefix);
      index += Number.isInteger(span) ? span : 1;
    }
    return entries;
  }

  /** What the lanes have counted is what the walk has found. */
  checkCount(entries: number): void {
    let counted = 0;
    for (let i = 0; i < this.#attachment.handle.settings.maxThreads; i++) {
      counted += this.#at(this.#at(LANES) + i * LANE_BYTES + ENTRIES);
    }
    this.#expect((counted | 0) === entries, `the lanes count ${counted | 0} entries, not ${entries}`);
  }

  #checkSegment(segment: number, depth: number, prefix: number): number {
    const groups = 2 ** this.#at(GROUP_BITS);
    const groupAt = (index: number) => segment + GROUPS + index * GROUP_BYTES;
    const control = (group: number, i: number) => this.#bytes[(group >>> 0) + i]!;
    const hasEmpty = (group: number) =>
      Array.from({ length: SLOTS }, (_, i) => control(group, i)).includes(EMPTY);
    const keys = new Set<string>();
    let live = 0;
    let used = 0;
    for (let index = 0; index < groups; index++) {
      for (let i = 0; i < SLOTS; i++) {
        const byte = control(groupAt(index), i);
        if (byte !== EMPTY) used++;
        if (byte < FULL) continue;
        live++;
        const block = this.#at(groupAt(index) + REFERENCES + i * 4);
        const hash = this.#at(block + HASH);
        this.#refer(block, ENTRY, `segment ${prefix}`);
        this.#expect(byte === (FULL | (hash & 0x7f)), `a control byte is not its entry's`);
        const low = 2 ** (32 - depth);
        const inRange = hash >>> 0 >= prefix && hash >>> 0 < prefix + low;
        this.#expect(inRange, `an entry of hash ${hash >>> 0} is in the segment of prefix ${prefix}`);
        this.#expect(this.#hashOf(block) === hash, `an entry's hash is not that of its key`);
        keys.add(this.#keyOf(block));
        // The way a probe goes from the entry's home group to where it is.
        let at = Math.floor((((hash >>> 0) % low) / low) * groups);
        for (let step = 1; at !== index && step <= groups; step++) {
          this.#expect(!hasEmpty(groupAt(at)), `a probe for an entry ends before it`);
          at = (at + step) & (groups - 1);
        }
        this.#expect(at === index, `an entry is not on its probe sequence`);
        this.#checkChain(block);
      }
    }
    this.#expect(keys.size === live, `a key is twice in a segment`);
    this.#expect(
      this.#at(segment + LIVE) === live,
      `a segment counts ${this.#at(segment + LIVE)} entries, not ${live}`,
    );
    this.#expect(
      this.#at(segment + USED) === used,
      `a segment counts ${this.#at(segment + USED)} slots, not ${used}`,
    );
    return live;
  }

  #checkChain(block: number): void {
    const length = this.#at(block + VALUE_META) >>> 4;
    if (length <= MAX_INLINE_BYTES) return;
    const head = block + KEY + (((this.#at(block + KEY_META) >>> 4) + 7) & ~7);
    for (let chunk = this.#at(head); chunk !== 0; chunk = this.#at(chunk + LINK)) {
      this.#refer(chunk, CHUNK, "a chain");
    }
  }

  #keyOf(block: number): string {
    const meta = this.#at(block + KEY_META);
    const start = (block + KEY) >>> 0;
    return `${meta}:${Buffer.from(this.#bytes.subarray(start, start + (meta >>> 4))).toString("latin1")}`;
  }

  #hashOf(block: number): number {
    return this.#attachment.core.hashBytes(block + KEY, this.#at(block + KEY_META) >>> 4);
  }

  /** Free blocks are in their page's list, free pages in theirs, what waits to be freed in limbo. */
  checkLists(): void {
    let units = 0;
    for (const list of [LIMBO, LIMBO + 4, LIMBO + 8, READY]) {
      for (let block = this.#at(list); block !== 0; block = this.#at(block + LINK)) {
        this.#refer(block, IN_LIMBO, "limbo");
        this.#checkChain(block);
        const page = (block - this.#at(FIRST_PAGE)) >>> 16;
        const size = this.#at(CLASS_SIZES + (this.#at(this.#descriptor(page) + PAGE_CLASS) - 1) * 4);
        const length = this.#at(block + VALUE_META) >>> 4;
        units += (size >>> 3) + (length > MAX_INLINE_BYTES ? length >>> 3 : 0);
      }
    }
    this.#expect(
      this.#at(LIMBO_UNITS) === units,
      `${this.#at(LIMBO_UNITS)} units are in limbo, not ${units}`,
    );
    const listed = new Set<number>();
    classSizes.forEach((_, sizeClass) => {
      for (
        let page = this.#at(CLASS_PAGES + sizeClass * 4);
        page !== 0;
        page = this.#at(this.#descriptor(page - 1) + PAGE_NEXT)
      ) {
        this.#expect(!listed.has(page - 1), `page ${page - 1} is listed twice`);
        this.#expect(
          this.#at(this.#descriptor(page - 1) + PAGE_CLASS) === sizeClass + 1,
          `page ${page - 1} is listed under another class`,
        );
        listed.add(page - 1);
        if (listed.size > this.#at(FRONTIER)) return;
      }
    });
    for (
      let page = this.#at(FREE_PAGES);
      page !== 0;
      page = this.#at(this.#descriptor(page - 1) + PAGE_NEXT)
    ) {
      this.#expect(
        this.#at(this.#descriptor(page - 1) + PAGE_CLASS) === 0,
        `page ${page - 1} is free and has a class`,
      );
      this.#expect(!listed.has(page - 1), `page ${page - 1} is listed twice`);
      listed.add(page - 1);
    }
    for (let page = 0; page < this.#at(FRONTIER); page++) {
      const descriptor = this.#descriptor(page);
      const isFree = this.#at(descriptor + PAGE_CLASS) === 0;
      const hasFree = isFree || this.#at(descriptor + PAGE_FREE_COUNT) > 0;
      this.#expect(
        listed.has(page) === hasFree,
        `page ${page} is ${hasFree ? "in no list" : "listed but full"}`,
      );
      if (isFree) continue;
      for (let block = this.#at(descriptor + PAGE_FREE); block !== 0; block = this.#at(block + LINK)) {
        this.#expect(!this.#free.has(block), `block ${block >>> 0} is free twice`);
        this.#free.add(block);
      }
    }
  }

  #descriptor(page: number): number {
    return this.#at(PAGE_TABLE) + page * DESCRIPTOR_BYTES;
  }

  /** No block is lost: each is free, or what refers to it says it is. */
  checkBlocks(): void {
    let units = 0;
    for (let page = 0; page < this.#at(FRONTIER); page++) {
      const descriptor = this.#descriptor(page);
      const sizeClass = this.#at(descriptor + PAGE_CLASS) - 1;
      units += PAGE_BYTES / 8;
      if (sizeClass < 0) continue;
      const size = this.#at(CLASS_SIZES + sizeClass * 4);
      const capacity = Math.floor(PAGE_BYTES / size);
      const carved = this.#at(descriptor + PAGE_CARVED);
      let free = capacity - carved;
      for (let i = 0; i < carved; i++) {
        const block = (this.#at(FIRST_PAGE) + page * PAGE_BYTES + i * size) | 0;
        const kind = this.#kind(block);
        this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
        if (kind === FREE) free++;
        this.#expect(
          (kind === FREE) === this.#free.has(block),
          `block ${block >>> 0} of kind ${kind} is ${kind === FREE ? "in no list of free blocks" : "listed as free"}`,
        );
        this.#expect(
          kind !== HELD && kind !== RETIRED,
          `block ${block >>> 0} of kind ${kind} is in a thread's hands`,
        );
        const expected = kind === FIXED ? ENTRY : kind;
        this.#expect(
          kind === FREE || this.#referred.get(block) === expected,
          `block ${block >>> 0} of kind ${kind} is lost`,
        );
      }
      units -= ((capacity - free) * size) / 8;
      this.#expect(
        this.#at(descriptor + PAGE_FREE_COUNT) === free,
        `page ${page} counts ${this.#at(descriptor + PAGE_FREE_COUNT)} free blocks, not ${free}`,
      );
    }
    this.#expect(
      this.#at(FREE_UNITS) === units,
      `${this.#at(FREE_UNITS)} free units are counted, not ${units}`,
    );
  }

  checkLocks(): void {
    this.#expect(this.#at(HEAP_LOCK) === 0, "the heap is locked");
    this.#expect(this.#at(DIRECTORY_LOCK) === 0, "the directory is locked");
    for (let i = 0; i < this.#attachment.handle.settings.maxThreads; i++) {
      const lane = this.#at(LANES) + i * LANE_BYTES;
      if (this.#at(lane + OWNER) === 0) continue;
      const isIdle = this.#at(lane + PIN) === 0 && this.#at(lane + SEGMENT_HELD) === 0;
      this.#expect(isIdle && this.#at(lane + PENDING) === 0, `lane ${i} is in the middle of a call`);
    }
  }
}
