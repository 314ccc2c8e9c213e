/**
 * What became of the values of a model while it was rewritten: for each value of the original that still has
 * one, its counterpart in the result. Folding and fusing leave values without a counterpart; renaming,
 * equalising and pruning change what it is called, how its channels are scaled, and which are left.
 *
 * Plain data by value name, so that whoever compares two models needs neither graph. Channels are axis 1 of
 * [N, C, ...]. With x the original value and y its counterpart, channel c of y stands for channel
 * `channels[c]` of x, and y[c] * factors[c] for what it holds.
 */
import type { Graph } from "./graph.ts";
import type { Value } from "./value.ts";

export interface Counterpart {
  /** Of the value in the result. */
  readonly name: string;
  /** For each channel of the counterpart, the channel of the original it is. Null: all of them, in order. */
  readonly channels: readonly number[] | null;
  /** What each channel of the counterpart is multiplied by to give the original's. Null: 1. */
  readonly factors: Float32Array | null;
}

/** By name in the original. A value without an entry has no counterpart. */
export type Correspondence = ReadonlyMap<string, Counterpart>;

/** Every value of the graph is its own counterpart: where a rewrite begins. */
export function sameValues(graph: Graph): Correspondence {
  return new Map(Array.from(graph.values(), ({ name }) => [name, sameAs(name)]));
}

/** The counterpart that differs from a value in its name at most. */
export function sameAs(name: string): Counterpart {
  return { name, channels: null, factors: null };
}

/** From the original of `first` to the result of `next`, which begins where `first` ends. */
export function followed(first: Correspondence, next: Correspondence): Correspondence {
  const both = new Map<string, Counterpart>();
  for (const [name, between] of first) {
    const last = next.get(between.name);
    if (last) both.set(name, joined(between, last));
  }
  return both;
}

function joined(between: Counterpart, last: Counterpart): Counterpart {
  const { channels, factors } = between;
  const kept = last.channels;
  return {
    name: last.name,
    channels: channels && kept ? kept.map((channel) => channels[channel]!) : (kept ?? channels),
    factors: product(kept && factors ? Float32Array.from(kept, (c) => factors[c]!) : factors, last.factors),
  };
}

function product(a: Float32Array | null, b: Float32Array | null): Float32Array | null {
  return a && b ? a.map((factor, channel) => factor * b[channel]!) : (a ?? b);
}

/**
 * Call before a graph is edited in place, and what is returned after: a value that is still in the graph,
 * under whatever name, is its own counterpart, and one that is not has none.
 */
export function followEdits(graph: Graph): () => Correspondence {
  const before = new Map<string, Value>(Array.from(graph.values(), (value) => [value.name, value]));
  return () =>
    new Map(
      [...before].flatMap(([name, value]) =>
        graph.owns(value) ? [[name, sameAs(value.name)] as const] : [],
      ),
    );
}
