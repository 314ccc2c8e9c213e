/**
 * Which residual blocks get a gate, and what each learns: to answer as the whole network does from what the blocks read. An image that is
 * sure of its answer there needs few blocks more. Blocks are taken together, since two that hardly any image needs may be needed by many where both are missing:
 * those that save most go first, and each is tried beside those before it.
 */
import { throwIfCancelled, type WorkOptions } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { endsInSoftmax } from "@cupel/predict";
import type { ImageSource } from "@cupel/vision";
import { type LookOptions, lookAt, type SeenImages } from "../branch/branch-features.ts";
import { largestAt, scoresOf, trainHead } from "../branch/branch-head.ts";
import { joinFloats } from "../join-floats.ts";
import type { ResidualSpan } from "./residual-spans.ts";
import { type Gate, withoutSpans } from "./wire-gates.ts";

export interface TrainGatesOptions extends LookOptions, WorkOptions {
  readonly seed: number;
  /** What all gates together may lose, as a fraction. */
  readonly maxDrop: number;
}

export interface TrainedGate extends Gate {
  /** Of the images that it was trained on. */
  readonly margins: Float32Array;
}

/** A gate costs about this share of a small network's time. */
const leastShare = 0.03;
/** Gates find about nineteen in twenty of the images that need what they leave out: where more need it, too many are lost. */
const mostHarm = 20;

/** In the order of the network; none where no span is worth a gate. @throws what sessions and training throw */
export async function trainGates(
  straight: Model,
  rows: readonly (readonly ResidualSpan[])[],
  images: ImageSource,
  { maxDrop, ...options }: TrainGatesOptions,
): Promise<TrainedGate[]> {
  const { seed, signal, progress } = options;
  const spans = rows.flat().filter(({ share }) => share >= leastShare);
  using task = progress?.start("Training gates", 2 * spans.length + rows.length, "steps");
  const whole = await lookAt(straight, startsOf(spans), images, options);
  const without = async (some: readonly ResidualSpan[]): Promise<Tried> => {
    throwIfCancelled(signal, "Training gates");
    const seen = await lookAt(withoutSpans(straight, some), startsOf(some), images, options);
    const harmless = areHarmless(whole, seen);
    const harm = harmless.filter((each) => !each).length / harmless.length;
    const share = some.reduce((sum, each) => sum + each.share, 0);
    task?.advance();
    return { spans: some, seen, worth: share * (1 - harm / (mostHarm * maxDrop)) };
  };

  const alone: Tried[] = [];
  for (const span of spans) alone.push(await without([span]));
  let best: Tried | null = null;
  for (const {
    spans: [span],
    worth,
  } of alone.toSorted((a, b) => b.worth - a.worth)) {
    const row = rows.find((each) => each.includes(span!))!;
    if (worth <= 0 || best?.spans.some((each) => row.includes(each))) continue;
    const tried: Tried = await without([...(best?.spans ?? []), span!]);
    if (tried.worth > (best?.worth ?? 0)) best = tried;
  }
  if (best === null) return [];

  const gates: TrainedGate[] = [];
  for (const span of spans.filter((each) => best.spans.includes(each))) {
    const { name } = span.from;
    const examples = examplesOf(name, whole, best.seen);
    const head = await trainHead(examples, name, { seed, areProbabilities: endsInSoftmax(straight), signal });
    const margins = marginsOf(scoresOf(head, examples.features.get(name)!), whole.classes);
    gates.push({ span, head, margins });
    task?.advance();
  }
  return gates;
}

/** The network without some spans. */
interface Tried {
  readonly spans: readonly ResidualSpan[];
  readonly seen: SeenImages;
  /** The work left out, less for images that need it; not above 0 where too many do. */
  readonly worth: number;
}

const startsOf = (spans: readonly ResidualSpan[]) => [...new Set(spans.map(({ from }) => from))];

/** The answers of the whole network. An image is seen twice: as that makes it, and as what is left does. */
function examplesOf(name: string, whole: SeenImages, left: SeenImages): SeenImages {
  const features = joinFloats([whole.features.get(name)!, left.features.get(name)!]);
  return {
    ...whole,
    labels: [...whole.labels, ...whole.labels],
    scores: joinFloats([whole.scores, whole.scores]),
    features: new Map([[name, features]]),
  };
}

/** Of each image how far its largest score is above the second. */
function marginsOf(scores: Float32Array, classes: number): Float32Array {
  return Float32Array.from({ length: scores.length / classes }, (_, image) => {
    const [second, first] = scores
      .slice(image * classes, (image + 1) * classes)
      .sort()
      .slice(-2);
    return first! - second!;
  });
}

/** Of each image whether it is answered right without some blocks, or wrong with them. */
function areHarmless(whole: SeenImages, without: SeenImages): boolean[] {
  const right = rightOf(without, whole);
  return rightOf(whole, whole).map((isRight, i) => !isRight || right[i]!);
}

/** Whether each image is answered as its label says; without one, as the whole network answers. */
export function rightOf({ scores, classes, labels }: SeenImages, whole: SeenImages): boolean[] {
  const answer = (of: Float32Array, i: number) => largestAt(of.subarray(i * classes, (i + 1) * classes));
  return labels.map((label, i) => answer(scores, i) === (label ?? answer(whole.scores, i)));
}
