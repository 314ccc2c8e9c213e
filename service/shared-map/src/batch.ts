/**
 * Reading many keys at once: in batches, whose keys wait for memory together (`core/batch.ts`), and whose strings are
 * cut from one.
 */
import type { Attachment } from "./attachment.ts";
import { Coded } from "./coded.ts";
import {
  ABSENT,
  BATCH_ROWS,
  KEY_TOO_LONG,
  NO_ROOM,
  ROW_BYTES,
  ROW_NUMBER,
  ROW_VALUE,
  ROW_VALUE_META,
  SCRATCH,
  SCRATCH_BATCH,
} from "./core/layout.ts";
import { isIntegerMeta, valueType } from "./value-type.ts";

export class Batch {
  readonly #attachment: Attachment;
  /** The batch at hand: its rows, and for each the place of its key among those asked for. */
  #rows = 0;
  readonly #places = new Int32Array(BATCH_ROWS);
  /** Places of keys that are read one by one, when the scratch is free again. */
  #single: number[] = [];

  #touched = 0;

  constructor(attachment: Attachment) {
    this.#attachment = attachment;
  }

  /** The values, or undefined, in the order of the keys. Throws what `get` throws. */
  values(keys: readonly unknown[]): unknown[] {
    const attachment = this.#attachment;
    const values = new Array<unknown>(keys.length).fill(undefined);
    this.#single = [];
    let isCoded = false;
    for (let from = 0; from < keys.length; ) {
      from = this.#stage(keys, from);
      const used = attachment.core.findStaged(attachment.lane, this.#rows, 1, attachment.now());
      isCoded = this.#take(values, used) || isCoded;
    }
    // Codecs are the user's code and may use the scratch, and so do reads of single keys.
    const single = this.#single;
    if (isCoded) for (let i = 0; i < values.length; i++) values[i] = attachment.values.decoded(values[i]);
    for (const place of single) values[place] = attachment.read(keys[place], undefined);
    return values;
  }

  /** Whether each is there. Throws what `has` throws. */
  contains(keys: readonly unknown[]): boolean[] {
    const attachment = this.#attachment;
    const answers = new Array<boolean>(keys.length).fill(false);
    this.#single = [];
    for (let from = 0; from < keys.length; ) {
      from = this.#stage(keys, from);
      attachment.core.findStaged(attachment.lane, this.#rows, 0, attachment.now());
      const { words } = attachment;
      let meta = (this.#firstRow() + ROW_VALUE_META) >> 2;
      for (let i = 0; i < this.#rows; i++, meta += ROW_BYTES >> 2) {
        answers[this.#places[i]!] = words[meta] !== ABSENT;
      }
    }
    for (const place of this.#single) answers[place] = attachment.contains(keys[place]);
    return answers;
  }

  /** Before writes to these keys, at most as many as a batch has rows: what they need is waited for together. */
  fetch(keys: readonly unknown[]): void {
    const attachment = this.#attachment;
    this.#stage(keys, 0);
    attachment.core.fetchStaged(attachment.lane, this.#rows);
    this.#single = [];
  }

  /** Makes rows of keys from `from` on, as many as there is room for. Returns where the next batch begins. */
  #stage(keys: readonly unknown[], from: number): number {
    const { core, lane } = this.#attachment;
    let rows = 0;
    let used = 0;
    const most = Math.min(keys.length, from + BATCH_ROWS);
    // Their characters too are waited for together.
    for (let i = from; i < most; i++) {
      const key = keys[i];
      if (typeof key === "string") this.#touched ^= key.charCodeAt(key.length - 1);
    }
    let place = from;
    for (; place < keys.length && rows < BATCH_ROWS; place++) {
      const key = keys[place];
      let meta: number;
      if (typeof key === "string") meta = core.stageText(lane, rows, key, used);
      else if (typeof key === "number" && !Number.isNaN(key))
        meta = core.stageNumber(lane, rows, key + 0, used);
      else {
        this.#single.push(place);
        continue;
      }
      if (meta === NO_ROOM) break;
      if (meta === KEY_TOO_LONG) {
        this.#single.push(place);
        continue;
      }
      this.#places[rows++] = place;
      used += ((meta >>> 4) + 7) & ~7;
    }
    this.#rows = rows;
    return place;
  }

  /** Has the rows' values be where they belong. Whether one of them waits for its codec. */
  #take(target: unknown[], used: number): boolean {
    const { words, doubles, scratch, values } = this.#attachment;
    const text = used === 0 ? "" : scratch.takeLatin1(0, used);
    let isCoded = false;
    let row = this.#firstRow();
    for (let i = 0; i < this.#rows; i++, row += ROW_BYTES) {
      const meta = words[(row + ROW_VALUE_META) >> 2]!;
      if (meta === ABSENT) continue;
      const place = this.#places[i]!;
      const at = words[(row + ROW_VALUE) >> 2]!;
      if (meta === NO_ROOM) this.#single.push(place);
      else if ((meta & 15) === valueType.latin1) target[place] = text.slice(at, at + (meta >>> 4));
      else if ((meta & 15) === valueType.number || isIntegerMeta(meta)) {
        target[place] = doubles[(row + ROW_NUMBER) >> 3];
      } else {
        target[place] = values.copy(meta, at);
        isCoded ||= target[place] instanceof Coded;
      }
    }
    return isCoded;
  }

  #firstRow(): number {
    return this.#attachment.words[(this.#attachment.lane + SCRATCH) >> 2]! + SCRATCH_BATCH;
  }
}
