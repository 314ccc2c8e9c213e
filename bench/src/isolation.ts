/**
 * What it costs to try a good model in a process of its own before it is opened: the start of a process, one load and one
 * run more. A network of almost nothing tells the first, ResNet-50 the rest.
 */
import { join } from "node:path";
import { openTemporaryFolder, spreadOf } from "@cupel/base";
import { writeModelFile } from "@cupel/onnx";
import { type InferenceSession, openIsolated, openSession, tryIsolated } from "@cupel/runtime";
import type { Benchmark } from "./benchmark.ts";
import { megabytes, millisecondsText, tableText } from "./figures.ts";
import { resnet50 } from "./models/resnet50.ts";

const rounds = 9;

export const isolation: Benchmark = {
  name: "isolation",
  claim: "A trial in a process of its own costs under a second for a small model, and leaves nothing.",
  peer: "openSession and a first run of the same model in this process",
  takes: "1 min",
  async run({ print, progress, signal }) {
    await using folder = await openTemporaryFolder("bench");
    const contestants = [
      { name: "ResNet-50, width 1, 32 x 32", model: resnet50({ width: 1, imageSize: 32, classes: 10 }) },
      { name: "ResNet-50, 224 x 224", model: resnet50() },
    ];
    using task = progress.start("Trying models", contestants.length * rounds, "rounds");
    const measured = [];
    const before = process.getActiveResourcesInfo().length;
    for (const [i, { name, model }] of contestants.entries()) {
      const path = join(folder.path, `${i}.onnx`);
      const { bytes } = await writeModelFile(model, path);
      // The first load of all also loads the engine.
      await firstRun(() => openSession(path, { signal }));
      const plain: number[] = [];
      const isolated: number[] = [];
      const peaks: number[] = [];
      for (let round = 0; round < rounds; round++) {
        plain.push(await firstRun(() => openSession(path, { signal })));
        isolated.push(await firstRun(() => openIsolated(path, { signal })));
        peaks.push((await tryIsolated(path, { signal })).peakResident ?? 0);
        task.advance();
      }
      const costs = spreadOf(isolated.map((time, round) => time - plain[round]!));
      measured.push({
        name,
        bytes,
        plain: spreadOf(plain),
        costs,
        peakBytes: spreadOf(peaks).median,
      });
    }
    const left = process.getActiveResourcesInfo().length - before;
    print(
      tableText([
        ["model", "file", "openSession and a run", "more with openIsolated", "peak of the trial's process"],
        ...measured.map(({ name, bytes, plain, costs, peakBytes }) => [
          name,
          megabytes(bytes),
          millisecondsText(plain),
          millisecondsText(costs),
          megabytes(peakBytes),
        ]),
      ]),
    );
    const [small, large] = measured;
    return {
      kind: "measured",
      figures: { rounds, models: measured, resourcesLeft: left },
      bars: [
        {
          claim: "small model: under 1 s more",
          measured: millisecondsText(small!.costs),
          isMet: small!.costs.median < 1000,
          isExact: false,
        },
        { claim: "nothing left", measured: `${left} handles`, isMet: left <= 0, isExact: true },
      ],
      quote:
        `trying a model in a process of its own first takes ${small!.costs.median.toFixed(0)} ms more for one of almost nothing, whose process ` +
        `has ${megabytes(small!.peakBytes)}, and ${large!.costs.median.toFixed(0)} ms and ${megabytes(large!.peakBytes)} for ResNet-50 (${megabytes(large!.bytes)}).`,
    };
  },
};

/** Milliseconds from the call to the answer of a first run. */
async function firstRun(open: () => Promise<InferenceSession>): Promise<number> {
  const started = performance.now();
  await using session = await open();
  await session.warmUp();
  return performance.now() - started;
}
