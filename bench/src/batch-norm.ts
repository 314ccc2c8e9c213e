/**
 * What folding BatchNormalization into the convolutions saves: the same network with and without, with the engine's
 * optimiser off and on. On, the engine folds by itself from its lowest level, so only without it is there something to save.
 */
import { encodeModelBytes, type Model } from "@cupel/onnx";
import { type EngineTuning, type Latency, measureLatency, profile } from "@cupel/runtime";
import { mobilenetV2 } from "@cupel/train";
import type { Bar, Benchmark } from "./benchmark.ts";
import { inverse, millisecondsText, ratioText, tableText } from "./figures.ts";
import { foldBatchNorms } from "./models/fold-batch-norms.ts";
import { resnet50 } from "./models/resnet50.ts";

/** BatchNormalization weighs more beside depthwise convolutions, which compute little. */
const networks: Readonly<Record<string, () => Model>> = {
  "ResNet-50": resnet50,
  MobileNetV2: () => mobilenetV2({ classes: 1000, input: [3, 224, 224] }),
};

const levels = ["disabled", "all"] as const satisfies readonly EngineTuning["optimization"][];
const rounds = 30;
/** Fast networks get more rounds. */
const leastMs = 5000;
/** How far from 1 a ratio may be that says there is nothing to gain. */
const nothing = 0.05;

interface Result {
  readonly network: string;
  readonly level: (typeof levels)[number];
  /** BatchNormalization nodes that the engine runs of the network that has them. */
  readonly batchNorms: number;
  readonly separateMs: Latency["latency"];
  readonly foldedMs: Latency["latency"];
  /** Time with the nodes folded over that with them separate, by round. */
  readonly ratio: Latency["ratio"];
}

export const batchNorm: Benchmark = {
  name: "batch-norm",
  claim:
    "ResNet-50 and MobileNetV2 in float32, one thread: folding BatchNormalization saves nothing (within 5 %) where the engine's optimiser is on, which folds by itself.",
  peer: "the same network with its BatchNormalization nodes, same engine, runs interleaved; optimiser off and on",
  takes: "2 min",
  async run({ print, signal }) {
    const results: Result[] = [];
    for (const [network, build] of Object.entries(networks)) {
      for (const level of levels) results.push(await measure(network, build, level, signal));
    }
    print(table(results));
    const told = results.map(({ network, level, ratio }) => `${network} (${level}) ${ratioText(ratio)}`);
    return {
      kind: "measured",
      figures: { rounds, results },
      bars: results.filter(({ level }) => level === "all").flatMap(barsOf),
      quote: `time with BatchNormalization folded over that without, by level of the engine's optimiser: ${told.join(", ")}`,
    };
  },
};

async function measure(
  network: string,
  build: () => Model,
  level: Result["level"],
  signal: AbortSignal,
): Promise<Result> {
  const separate = encodeModelBytes(build());
  const folded = encodeModelBytes(foldBatchNorms(build()));
  const tuning = { threads: 1, optimization: level, signal };
  const nodes = await profile(separate, { ...tuning, runs: 1 });
  const models = [
    { name: "separate", model: separate },
    { name: "folded", model: folded },
  ];
  const [first, second] = await measureLatency(models, { ...tuning, runs: rounds, leastMs });
  return {
    network,
    level,
    batchNorms: nodes.filter(({ opType }) => opType === "BatchNormalization").length,
    separateMs: first!.latency,
    foldedMs: second!.latency,
    ratio: inverse(second!.ratio),
  };
}

function table(results: readonly Result[]): string {
  return tableText([
    ["", "optimiser", "BatchNormalization run", "separate", "folded", "folded / separate"],
    ...results.map(({ network, level, batchNorms, separateMs, foldedMs, ratio }) => [
      network,
      level,
      String(batchNorms),
      millisecondsText(separateMs),
      millisecondsText(foldedMs),
      ratioText(ratio),
    ]),
  ]);
}

function barsOf({ network, batchNorms, ratio }: Result): Bar[] {
  return [
    {
      claim: `${network}, optimiser on: the engine runs no BatchNormalization`,
      measured: String(batchNorms),
      isMet: batchNorms === 0,
      isExact: true,
    },
    {
      claim: `${network}, optimiser on: folded takes 1.00x of the time within ${nothing}`,
      measured: ratioText(ratio),
      isMet: Math.abs(ratio.median - 1) <= nothing,
      isExact: false,
    },
  ];
}
