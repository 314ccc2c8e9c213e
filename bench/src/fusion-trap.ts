/**
 * The trap in models exported for inference: equal biases are stored once and read through Identity. A
 * quantiser that does not see through it leaves those convolutions in float32, and the conversions around
 * them eat what the others gain. Nothing fails; the model is merely slow.
 */
import { join } from "node:path";
import { openTemporaryFolder } from "@cupel/base";
import { compress, defaultRecipe } from "@cupel/compress";
import { writeModelFile } from "@cupel/onnx";
import { type FusionReport, fusionReport, measureLatency } from "@cupel/runtime";
import { parsePreprocessing, preprocessingFor } from "@cupel/vision";
import { type Benchmark, withoutPython } from "./benchmark.ts";
import { millisecondsText, ratioText, tableText } from "./figures.ts";
import { syntheticImages } from "./images/synthetic-images.ts";
import { resnet50 } from "./models/resnet50.ts";
import { quantiseStatically, writeTensors } from "./peer/static-quantiser.ts";

/** Fusion does not depend on them, and the peer keeps their activations. */
const images = 16;
const rounds = 30;

export const fusionTrap: Benchmark = {
  name: "fusion-trap",
  claim: "An exporter's ResNet-50 with biases behind Identity: every Conv fuses all the same.",
  peer: "ONNX Runtime's quantize_static in Python, with and without its recommended preparation",
  takes: "3 min",
  async run({ python, print, progress, signal }) {
    if (python === null) return withoutPython;
    await using folder = await openTemporaryFolder("bench");
    const path = join(folder.path, "fp32.onnx");
    const model = resnet50({ batchNorms: "behind-identity" });
    await writeModelFile(model, path);
    const preprocessing = parsePreprocessing(
      "preset=imagenet,resize=none",
      preprocessingFor(model.graph.inputs[0]!.shape!),
    );
    const source = syntheticImages({ count: images });
    const compressed = await compress(model, {
      images: source,
      preprocessing,
      recipe: defaultRecipe(8),
      progress,
      signal,
    });
    await writeModelFile(compressed.model, join(folder.path, "cupel.onnx"));
    const tensors = await writeTensors(source, preprocessing, join(folder.path, "images.bin"));
    const stock = { python, model: path, tensors, method: "MinMax", signal } as const;
    await quantiseStatically({ ...stock, prepare: true, output: join(folder.path, "prepared.onnx") });
    await quantiseStatically({ ...stock, prepare: false, output: join(folder.path, "plain.onnx") });

    const contestants = [
      { name: "float32", model: path },
      { name: "Cupel", model: join(folder.path, "cupel.onnx") },
      { name: "quantize_static, prepared", model: join(folder.path, "prepared.onnx") },
      { name: "quantize_static", model: join(folder.path, "plain.onnx") },
    ];
    const fused: FusionReport["convolutions"][] = [];
    for (const contestant of contestants) {
      fused.push((await fusionReport(contestant.model, { signal })).convolutions);
    }
    const latencies = await measureLatency(contestants, { threads: 1, runs: rounds, signal });
    print(
      tableText([
        ["one thread", "convolutions fused", "latency", "float32 / this"],
        ...latencies.map(({ name, latency, ratio }, i) => [
          name,
          `${fused[i]!.quantised} of ${fused[i]!.total}`,
          millisecondsText(latency),
          ratioText(ratio),
        ]),
      ]),
    );
    const [, ours, , plain] = latencies;
    const fusedText = (i: number) => `${fused[i]!.quantised} of ${fused[i]!.total}`;
    return {
      kind: "measured",
      figures: { rounds, models: latencies.map((latency, i) => ({ ...latency, convolutions: fused[i] })) },
      bars: [
        {
          claim: "every Conv fused",
          measured: fusedText(1),
          isMet: fused[1]!.quantised === fused[1]!.total,
          isExact: true,
        },
      ],
      quote:
        `with biases behind Identity, Cupel fuses ${fusedText(1)} convolutions and runs ${ratioText(ours!.ratio)} as fast as float32; ` +
        `the stock quantiser without preparation fuses ${fusedText(3)}: ${ratioText(plain!.ratio)}.`,
    };
  },
};
