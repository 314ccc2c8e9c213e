/**
 * Does a process leak? From samples of its memory over a run: which part grows, by how much a step, how
 * sure that is, and what was only warm-up. Pure: samples in, verdict out.
 *
 * 1. The samples are cut into blocks, and each block counts with its least value: garbage that waits for its
 *    collector comes and goes inside a block, what is really held stays.
 *    Only samples after a collection of the whole heap count at all: between two of these every process grows, and
 *    not on the heap alone. Array buffers and much native memory (tensors, threads) go with the objects that hold them.
 * 2. Warm-up is the beginning whose removal makes the rest most like one straight line: the marginal standard
 *    error rule (White, Simulation 69, 1997), with a line in the place of its constant.
 * 3. The rest gets a robust line (`trendOf`). It is a leak when the whole interval of its slope is above zero,
 *    it adds up to more than a megabyte, and the later half grows as well: one late jump is no leak.
 * 4. Where there were few collections, or only in a part of the run, growth is undecided.
 */
import { trendOf } from "./trend.ts";

/** What a process holds at one moment, bytes. */
export interface MemorySample {
  /** Number of the step, or seconds since the watch began. Ascending. */
  readonly at: number;
  /** Resident in memory, whole process. */
  readonly resident: number;
  /** Objects on the JavaScript heap of the watching thread, garbage included. */
  readonly heap: number;
  /** Array buffers and what else is held by JavaScript objects outside their heap. */
  readonly external: number;
  /** Collections of the whole heap so far. */
  readonly collections: number;
  /** The rest that no file backs: the engine's arenas and weights, images being decoded, other threads. */
  readonly native: number;
}

/** What can leak; each is a column of the samples. */
export type MemoryPart = "heap" | "external" | "native";

export interface Growth {
  readonly isLeak: boolean;
  /** After warm-up, bytes for a step (or second), with its 95 % confidence interval. */
  readonly slope: number;
  readonly interval: readonly [low: number, high: number];
  /** The same over all steps after warm-up, bytes. */
  readonly total: number;
  readonly warmUp: {
    /** Steps (or seconds) from the first sample on. */
    readonly span: number;
    /** Bytes that came in it. */
    readonly bytes: number;
  };
}

export type MemoryDiagnosis =
  | { readonly kind: "too-few-samples"; readonly samples: number; readonly needed: number }
  | {
      /** Undecided: the process grows, and the heap was hardly ever collected as a whole. */
      readonly kind: "leak" | "no-leak" | "undecided";
      readonly samples: number;
      /** Steps (or seconds) from the first sample to the last. */
      readonly span: number;
      readonly resident: Growth;
      /** Samples after a collection of the whole heap. With fewer than ten, or in less than half of the run, nothing is called a leak. */
      readonly collections: number;
      /** Steps (or seconds) from the first of them to the last. */
      readonly collectedSpan: number;
      readonly parts: Readonly<Record<MemoryPart, Growth>>;
      /** The part that grows most. */
      readonly part: MemoryPart;
    };

const neededSamples = 16;
/** Only what is left after many of them tells, and only of the part of the run in which they were. */
export const neededCollections = 10;
const neededShare = 0.5;
const blocks = 48;
/** Warm-up may take at most this share of the blocks, and leaves at least as many as a line needs. */
const longestWarmUp = 0.65;
const fewestBlocks = 10;
/** Less than this in a whole run is no leak that anyone could see. */
const smallestLeak = 1e6;
/** Errors are estimates: those this near to the least are as good. */
const sameError = 1.25;
/** A leak goes on: its later half grows at least at this share of the rate of the whole. */
const laterRate = 0.25;
/** Memory comes in pages: residuals below one are none. */
const page = 4096;

/** `samples` in the order they were taken, at ascending `at`. */
export function diagnoseMemory(samples: readonly MemorySample[]): MemoryDiagnosis {
  if (samples.length < neededSamples) {
    return { kind: "too-few-samples", samples: samples.length, needed: neededSamples };
  }
  const growthIn = (column: MemoryPart | "resident", of = samples) =>
    growthOf(
      of.map(({ at }) => at),
      of.map((sample) => sample[column]),
    );
  const collected = samples.filter(
    ({ collections }, index) => index > 0 && collections > samples[index - 1]!.collections,
  );
  const span = samples.at(-1)!.at - samples[0]!.at;
  const collectedSpan = (collected.at(-1)?.at ?? 0) - (collected[0]?.at ?? 0);
  const isKnown = collected.length >= neededCollections && collectedSpan >= neededShare * span;
  const held = (column: MemoryPart) =>
    isKnown ? growthIn(column, collected) : { ...growthIn(column), isLeak: false };
  const parts = { heap: held("heap"), external: held("external"), native: held("native") };
  const resident = growthIn("resident");
  const [part] = (["native", "external", "heap"] as const).toSorted(
    (a, b) => Number(parts[b].isLeak) - Number(parts[a].isLeak) || parts[b].total - parts[a].total,
  );
  return {
    kind: parts[part!].isLeak ? "leak" : resident.isLeak && !isKnown ? "undecided" : "no-leak",
    samples: samples.length,
    span,
    resident,
    collections: collected.length,
    collectedSpan,
    parts,
    part: part!,
  };
}

/** Growth of one column. */
function growthOf(at: readonly number[], bytes: readonly number[]): Growth {
  const floor = blockFloors(at, bytes);
  const start = warmUpEnd(floor.at, floor.bytes);
  const x = floor.at.slice(start);
  const y = floor.bytes.slice(start);
  const trend = trendOf(x, y);
  const half = Math.floor(x.length / 2);
  const later = trendOf(x.slice(half), y.slice(half));
  const first = at[0]!;
  const settled = start === 0 ? first : x[0]!;
  const span = at.at(-1)! - settled;
  return {
    isLeak:
      trend.interval[0] > 0 && trend.slope * span > smallestLeak && later.slope > laterRate * trend.slope,
    slope: trend.slope,
    interval: trend.interval,
    total: trend.slope * span,
    warmUp: {
      span: settled - first,
      bytes: start === 0 ? 0 : trend.intercept + trend.slope * settled - bytes[0]!,
    },
  };
}

/** The least value of each block, and where it was. */
function blockFloors(at: readonly number[], bytes: readonly number[]) {
  const count = Math.min(blocks, at.length);
  const floor: { at: number[]; bytes: number[] } = { at: [], bytes: [] };
  for (let block = 0; block < count; block++) {
    const end = Math.floor(((block + 1) * at.length) / count);
    let least = Math.floor((block * at.length) / count);
    for (let i = least + 1; i < end; i++) if (bytes[i]! < bytes[least]!) least = i;
    floor.at.push(at[least]!);
    floor.bytes.push(bytes[least]!);
  }
  return floor;
}

/** Index of the first block after warm-up: the earliest whose error is all but the least. */
function warmUpEnd(x: readonly number[], y: readonly number[]): number {
  const last = Math.min(Math.floor(x.length * longestWarmUp), x.length - fewestBlocks);
  const errors: number[] = [];
  for (let start = 0; start <= last; start++) {
    const { residual } = trendOf(x.slice(start), y.slice(start));
    errors.push(Math.max(residual, page * page) / (x.length - start));
  }
  const least = Math.min(...errors);
  return errors.findIndex((error) => error <= sameError * least);
}
