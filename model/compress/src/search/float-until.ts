/**
 * What to do about a model whose rounded form answers too differently: its activations are rounded in fewer places. The
 * values are tried in groups, one group rounded at a time, and those that move the outputs most are left in float, with
 * the operators that make and read them, until the answers will do. Weights keep their bits in the file: rounded by
 * themselves, a scale for each output channel, they rarely cost as much.
 */
import { type Progress, silentProgress, throwIfCancelled } from "@cupel/base";
import type { Model, Node, Value } from "@cupel/onnx";
import { sample } from "@cupel/vision";
import type { ActivationScale } from "../calibrate/activation-scale.ts";
import {
  outputsOf,
  relativeError,
  type TrialContext,
  trialImages,
  withRoundedActivations,
} from "../calibrate/rounding-error.ts";
import type { Placement } from "../emit/placement.ts";

/** Groups that are tried: each takes a session and a few runs. */
const mostGroups = 48;

export interface FloatUntilOptions extends TrialContext {
  readonly placement: Placement;
  /** By name, of each of the placement's values. */
  readonly scales: ReadonlyMap<string, ActivationScale>;
  readonly seed: number;
  readonly progress?: Progress | undefined;
  /** The placement without these nodes. */
  readonly without: (inFloat: ReadonlySet<Node>) => Placement;
  /** Whether the model with that placement will do. */
  readonly accept: (placement: Placement) => Promise<boolean>;
}

/** @param model clean. @returns the placement with the fewest groups in float that will do; null where not even none on integers does. */
export async function floatUntil(model: Model, options: FloatUntilOptions): Promise<Placement | null> {
  const { placement, accept, without } = options;
  const none = {
    ...placement,
    values: [],
    sameScale: new Map(),
    fixedScale: new Map(),
    integer: new Set<string>(),
  };
  if (placement.values.length === 0 || !(await accept(none))) return null;
  const ranked = await byHarm(model, options);
  const inFloat = (count: number): Placement =>
    count === ranked.length ? none : without(touching(ranked.slice(0, count).flat(), placement));
  let [low, high] = [1, ranked.length];
  // More in float is nearer to the original, give or take little: the fewest that will do.
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await accept(inFloat(middle))) high = middle;
    else low = middle + 1;
  }
  return inFloat(high);
}

/** Groups of values, the one first whose rounding alone moves the outputs most. */
async function byHarm(model: Model, options: FloatUntilOptions): Promise<readonly (readonly Value[])[]> {
  const { placement, scales, seed, signal, progress = silentProgress } = options;
  const groups = grouped(placement);
  using task = progress.start("Finding what rounding costs", groups.length, "groups of values");
  const trial = { ...options, images: sample(options.images, trialImages / 2, seed) };
  const reference = await outputsOf(() => model, trial);
  const harms: { readonly values: readonly Value[]; readonly error: number }[] = [];
  for (const values of groups) {
    throwIfCancelled(signal, "Finding what rounding costs");
    const some = new Map(values.map(({ name }) => [name, scales.get(name)!]));
    const error = relativeError(reference, await outputsOf(() => withRoundedActivations(model, some), trial));
    harms.push({ values, error });
    task.advance();
  }
  return harms.sort((a, b) => b.error - a.error).map(({ values }) => values);
}

/** Neighbours in execution order, with the values that have the scale of one of theirs. */
function grouped({ values, sameScale }: Placement): Value[][] {
  const sources = values.filter((value) => !sameScale.has(value));
  const size = Math.ceil(sources.length / mostGroups);
  const groups = Array.from({ length: Math.ceil(sources.length / size) || 0 }, (_, i) =>
    sources.slice(i * size, (i + 1) * size),
  );
  const groupOf = new Map(groups.flatMap((group) => group.map((value) => [value, group])));
  for (const value of values) {
    const source = sameScale.get(value);
    const group = source && groupOf.get(source);
    if (!group) continue;
    group.push(value);
    groupOf.set(value, group);
  }
  return groups;
}

/** The operators on integers that make or read one of the values. */
function touching(values: readonly Value[], { integer }: Placement): ReadonlySet<Node> {
  const nodes = values.flatMap(({ producer, consumers }) => [producer, ...consumers]);
  return new Set(nodes.filter((node): node is Node => node !== null && integer.has(node.output.name)));
}
