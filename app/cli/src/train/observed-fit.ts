/** A training that is looked at while it runs: under the profilers, or with its memory watched, or neither. */
import { join } from "node:path";
import { writeFileAtomically } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { withProfiler } from "@cupel/profile";
import { watchMemory } from "@cupel/runtime";
import { type FitOptions, type FitResult, fit } from "@cupel/train";

export interface Observation {
  /** Folder for the flame graph and the trace; null for no profile. */
  readonly profile: string | null;
  readonly watchesMemory: boolean;
  /** For the page: what was trained. */
  readonly title: string;
}

export interface ObservedFit {
  readonly result: FitResult;
  readonly profile: {
    readonly flameGraph: string;
    readonly trace: string;
    /** The ten slowest nodes, a sentence each. */
    readonly slowest: readonly string[];
  } | null;
  /** A sentence; null when memory was not watched. */
  readonly memory: string | null;
}

/** @throws what `fit` throws, DISK_FULL, WRITE_FAILED */
export async function observedFit(
  network: Model,
  options: FitOptions,
  { profile, watchesMemory, title }: Observation,
): Promise<ObservedFit> {
  using watch = watchesMemory ? watchMemory() : null;
  const train = (open?: FitOptions["open"]) =>
    fit(network, { ...options, open, onStep: ({ step }) => watch?.sample(step) });
  if (profile === null) {
    return { result: await train(), profile: null, memory: watch?.report().verdict ?? null };
  }
  const { result, html, trace, summary } = await withProfiler({ title }, ({ open }) => train(open));
  const paths = { flameGraph: join(profile, "flame-graph.html"), trace: join(profile, "trace.json") };
  await writeFileAtomically(paths.flameGraph, html);
  await writeFileAtomically(paths.trace, JSON.stringify(trace));
  const memory =
    watch && `${watch.report().verdict} The traces of --profile are among it: watch memory without it.`;
  return { result, profile: { ...paths, slowest: summary }, memory };
}
