/**
 * Whether a search for widths hits what it is given: shares of a full-width ResNet-50's time in INT8, and its bytes at 4 bits.
 * Weights are drawn from a seed: which channels go says nothing here, how many does.
 */
import { type CompressResult, compress, parseRecipe } from "@cupel/compress";
import { encodeModel, type Model } from "@cupel/onnx";
import { measureLatency } from "@cupel/runtime";
import { parsePreprocessing, preprocessingFor } from "@cupel/vision";
import type { Bar, Benchmark, BenchmarkContext } from "./benchmark.ts";
import { megabytes, seconds, tableText } from "./figures.ts";
import { syntheticImages } from "./images/synthetic-images.ts";
import { resnet50 } from "./models/resnet50.ts";

/** Of the time of the whole network in INT8. */
const shares = [0.75, 0.5];
const errorBar = 0.05;
const maxBytes = 9_600_000;
const rounds = 60;
const side = 224;

interface Hit {
  readonly target: number;
  readonly predicted: number;
  /** By the search itself, of the network it wrote. */
  readonly measured: number;
  /** Once more, beside the original. */
  readonly again: number;
  readonly channelsKept: number;
}

export const widthSearch: Benchmark = {
  name: "width-search",
  claim:
    "ResNet-50 pruned for a share of the original's time takes that share within 5 %; at 4 bits, pruned for 9.6 MB, it has no more.",
  peer: "the whole network in float32, runs interleaved; the target",
  takes: "10 min",
  async run(context) {
    const model = resnet50();
    const hits = await latencyHits(model, context);
    context.print(`\n${table(hits)}`);
    const started = performance.now();
    const small = await pruned(model, { maxBytes }, 4, context);
    const bytes = small.targets[0]!.measured;
    const left = keptShare(small);
    context.print(
      `ResNet-50 at 4 bits: ${megabytes(bytes)} with ${percent(left)} of its channels, in ${seconds(performance.now() - started)}`,
    );
    const worst = Math.max(...hits.map(errorOf));
    const bars: Bar[] = [
      ...hits.map((hit) => ({
        claim: `a time of ${percent(hit.target)} of the original's is hit within ${percent(errorBar)}`,
        measured: percent(hit.again),
        isMet: errorOf(hit) <= errorBar,
        isExact: false,
      })),
      {
        claim: `ResNet-50 at 4 bits, pruned for ${megabytes(maxBytes)}`,
        measured: `${megabytes(bytes)} with ${percent(left)} of its channels`,
        isMet: bytes <= maxBytes,
        isExact: true,
      },
    ];
    return {
      kind: "measured",
      figures: { rounds, hits, maxBytes, bytes, channelsKept: left },
      bars,
      quote:
        `A search for a share of the original's time comes within ${percent(worst)} of it; ResNet-50 at 4 bits fits into ${megabytes(bytes)} ` +
        `with ${percent(left)} of its channels.`,
    };
  },
};

async function latencyHits(model: Model, context: BenchmarkContext): Promise<Hit[]> {
  const whole = await pruned(model, {}, 8, context);
  const [full] = await sharesOf(model, [whole.model], context);
  context.print(`ResNet-50 in INT8 takes ${percent(full!)} of the original's time`);
  const found: { readonly target: number; readonly result: CompressResult }[] = [];
  for (const share of shares) {
    const target = Math.round(1000 * share * full!) / 1000;
    const started = performance.now();
    const result = await pruned(model, { maxLatency: `${(100 * target).toFixed(1)}%` }, 8, context);
    context.print(`searched for ${percent(target)} in ${seconds(performance.now() - started)}`);
    found.push({ target, result });
  }
  const again = await sharesOf(
    model,
    found.map(({ result }) => result.model),
    context,
  );
  return found.map(({ target, result }, i) => {
    const [{ predicted, measured }] = result.targets as [CompressResult["targets"][number]];
    return { target, predicted: predicted!, measured, again: again[i]!, channelsKept: keptShare(result) };
  });
}

async function sharesOf(
  original: Model,
  models: readonly Model[],
  { signal }: BenchmarkContext,
): Promise<number[]> {
  const measured = await measureLatency(
    [original, ...models].map((model, i) => ({ name: `${i}`, model: encodeModel(model) })),
    { threads: 1, runs: rounds, leastMs: 1000, signal },
  );
  return measured.slice(1).map(({ timeRatio }) => timeRatio.value);
}

async function pruned(
  model: Model,
  target: object,
  bits: 8 | 4,
  { progress, signal }: BenchmarkContext,
): Promise<CompressResult> {
  const searches = Object.keys(target).length > 0;
  const prune = { stage: "prune", importance: "norm", compensate: false, rounds: 1 };
  return await compress(model, {
    // Two suffice where no accuracy is to be kept.
    images: syntheticImages({ count: 2, side }),
    preprocessing: parsePreprocessing("preset=imagenet,resize=none", preprocessingFor(["N", 3, side, side])),
    recipe: parseRecipe(
      {
        stages: [
          { stage: "clean" },
          ...(searches ? [prune] : []),
          { stage: "calibrate", method: "min-max" },
          { stage: "quantise", bits, kernels: "wherever-possible" },
        ],
        target,
      },
      "the recipe of the benchmark",
    ),
    progress,
    signal,
  });
}

const keptShare = ({ pruned: said }: CompressResult): number => said!.kept / said!.channels;
const errorOf = ({ target, again }: Hit): number => Math.abs(again / target - 1);
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function table(hits: readonly Hit[]): string {
  return tableText([
    ["of the original's time", "by the table", "by the search", "once more", "off by", "channels kept"],
    ...hits.map((hit) => [
      percent(hit.target),
      percent(hit.predicted),
      percent(hit.measured),
      percent(hit.again),
      percent(errorOf(hit)),
      percent(hit.channelsKept),
    ]),
  ]);
}
