/** Sets of events of a log: ranges of indices that neither overlap nor touch, in order. Pure arithmetic. */
import type { LeafRange } from "../tree/proof.ts";
import { parseTreeSize } from "../tree/tree-size.ts";

export class IndexRanges {
  /** In order, with a gap between any two. */
  readonly ranges: readonly LeafRange[];

  private constructor(ranges: readonly LeafRange[]) {
    this.ranges = ranges;
  }

  static readonly none = new IndexRanges([]);

  /** @param ranges in any order; empty ones count for nothing */
  static of(ranges: Iterable<LeafRange>): IndexRanges {
    const merged: LeafRange[] = [];
    const sorted = [...ranges].filter(({ begin, end }) => begin < end).sort((a, b) => a.begin - b.begin);
    for (const range of sorted) {
      const last = merged.at(-1);
      if (last === undefined || range.begin > last.end) merged.push(range);
      else merged[merged.length - 1] = { begin: last.begin, end: Math.max(last.end, range.end) };
    }
    return new IndexRanges(merged);
  }

  /** What `text` wrote; null for anything else. */
  static parse(text: string): IndexRanges | null {
    const ranges: LeafRange[] = [];
    for (const part of text === "" ? [] : text.split(" ")) {
      const [, first = "", last = ""] = /^(\d+)-(\d+)$/.exec(part) ?? [];
      const begin = parseTreeSize(first);
      const end = parseTreeSize(last);
      if (begin === null || end === null || end < begin) return null;
      ranges.push({ begin, end: end + 1 });
    }
    return IndexRanges.of(ranges);
  }

  /** "0-4711 9000-9099": first and last of each. */
  get text(): string {
    return this.ranges.map(({ begin, end }) => `${begin}-${end - 1}`).join(" ");
  }

  get isEmpty(): boolean {
    return this.ranges.length === 0;
  }

  get count(): number {
    return this.ranges.reduce((sum, { begin, end }) => sum + end - begin, 0);
  }

  has(index: number): boolean {
    return this.ranges.some(({ begin, end }) => begin <= index && index < end);
  }

  covers(range: LeafRange): boolean {
    return this.without(range).length === 0;
  }

  /** The parts of `range` that are not in the set. */
  without({ begin, end }: LeafRange): LeafRange[] {
    const parts: LeafRange[] = [];
    let from = begin;
    for (const range of this.ranges) {
      if (range.end <= from || range.begin >= end) continue;
      if (range.begin > from) parts.push({ begin: from, end: range.begin });
      from = range.end;
    }
    if (from < end) parts.push({ begin: from, end });
    return parts;
  }

  with(...more: readonly LeafRange[]): IndexRanges {
    return more.length === 0 ? this : IndexRanges.of([...this.ranges, ...more]);
  }

  minus({ ranges }: IndexRanges): IndexRanges {
    const others = new IndexRanges(ranges);
    return new IndexRanges(this.ranges.flatMap((range) => others.without(range)));
  }
}
