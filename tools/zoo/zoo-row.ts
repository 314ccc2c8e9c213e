/** What the zoo knows of one model, as a line of its results: the outcome of each step that was tried. */
import type { Failed } from "./steps-apart.ts";

export const steps = [
  "inspect",
  "roundTrip",
  "compress",
  "predict",
  "engines",
  "stock",
  "timing",
  "train",
] as const;
export type Step = (typeof steps)[number];

/** What a step measured. */
export interface Figures {
  /** Bytes on disk. */
  bytes?: number;
  /** Signal to noise at the outputs against the original, dB: see `agreement.ts`. */
  sqnr?: number | null;
  /** The same on the newest engine; null where it was not asked. */
  sqnrNewest?: number | null;
  /** The original's time over this model's. */
  speed?: Ratio;
  speedStock?: Ratio;
  /** Convolutions and matrix products that run on integers, of all. */
  fused?: string;
  /** The version of an engine, the name of a task: whatever is told in a word. */
  said?: string;
  /** Operators that take most of the compressed model's time; told where it is slower than the original. */
  costliest?: string;
  /** Milliseconds. */
  tookMs?: number;
}

/** With its 95 % interval. */
export interface Ratio {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

export type Outcome = ({ readonly ok: true } & Figures) | Failed;

export interface ZooRow {
  readonly model: string;
  /** Of the code that was tried. */
  readonly commit: string;
  /** A step that is missing was not tried, because one that it needs failed. */
  readonly steps: Partial<Record<Step, Outcome>>;
}
