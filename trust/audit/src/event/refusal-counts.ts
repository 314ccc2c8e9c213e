/**
 * How much was refused, where and by which rule: for metrics and the summary of a validation. Pointers have names of facts in
 * them, which whoever sends events chooses, so only so many are told apart.
 */
import type { EventRefusal } from "./refusal.ts";

export interface RefusalCount {
  readonly kind: EventRefusal["kind"];
  readonly pointer: string;
  readonly keyword: string;
  readonly count: number;
}

export interface RefusalCounts {
  add(refusal: EventRefusal): void;
  readonly parse: number;
  readonly schema: number;
  /** The most frequent first. */
  byPointer(): RefusalCount[];
  /** Of pointers beyond those that are told apart. */
  readonly elsewhere: number;
}

/** @param most pointers (with their keyword) that are told apart. Default 256. */
export function createRefusalCounts(most = 256): RefusalCounts {
  const found = new Map<string, { readonly refusal: EventRefusal; count: number }>();
  const totals = { parse: 0, schema: 0, elsewhere: 0 };
  return {
    add(refusal) {
      totals[refusal.kind]++;
      const key = `${refusal.keyword} ${refusal.pointer}`;
      const row = found.get(key);
      if (row !== undefined) row.count++;
      else if (found.size < most) found.set(key, { refusal, count: 1 });
      else totals.elsewhere++;
    },
    get parse() {
      return totals.parse;
    },
    get schema() {
      return totals.schema;
    },
    get elsewhere() {
      return totals.elsewhere;
    },
    byPointer: () =>
      Array.from(found.values(), ({ refusal: { kind, pointer, keyword }, count }) => ({
        kind,
        pointer,
        keyword,
        count,
      })).sort((a, b) => b.count - a.count),
  };
}
