/**
 * What compressing ResNet-50 costs: time, peak memory and how that grows with the images (it must not);
 * and what the model costs in memory afterwards. Each compression runs in a process of its own, since a
 * peak never sinks.
 */

import { fork } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openTemporaryFolder } from "@cupel/base";
import { writeModelFile } from "@cupel/onnx";
import { type MemoryReport, measureMemory } from "@cupel/runtime";
import type { Benchmark } from "./benchmark.ts";
import type { ProbeOutcome, ProbeTask } from "./compress-probe.ts";
import { megabytes, seconds, tableText } from "./figures.ts";
import { resnet50 } from "./models/resnet50.ts";

const images = 128;
const imageCounts = [32, 128, 512] as const;
/** A garbage collector's whims; sixteen times the images would show as more. */
const growthBar = 1.15;

export const compressCost: Benchmark = {
  name: "compress-cost",
  claim:
    "Compressing ResNet-50 with 128 images: time and peak memory; the latter does not grow with the images.",
  peer: "itself with 32 and 512 images, and a bare process that has loaded the same modules",
  takes: "10 min",
  async run({ print, signal }) {
    await using folder = await openTemporaryFolder("bench");
    const path = join(folder.path, "fp32.onnx");
    const { bytes } = await writeModelFile(resnet50(), path);
    const bare = await probe({ kind: "bare" }, signal);
    print(`bare process: ${megabytes(bare.peakBytes)}; model in float32: ${megabytes(bytes)}`);

    const cases: Case[] = [];
    const add = async (bits: 8 | "mixed", count: number, seesAll: boolean) => {
      const output = join(folder.path, `${bits}.onnx`);
      const outcome = await probe({ kind: "compress", path, output, bits, images: count, seesAll }, signal);
      cases.push({ bits, ...outcome });
      print(caseText(cases.at(-1)!, bare.peakBytes));
    };
    await add(8, images, false);
    for (const count of imageCounts) await add(8, count, true);
    await add("mixed", images, false);

    const memory = {
      float32: await measureMemory(path, { threads: 1, signal }),
      int8: await measureMemory(join(folder.path, "8.onnx"), { threads: 1, signal }),
    };
    print(`\n${memoryTable(memory)}`);
    const [usual, few, , many, mixed] = cases;
    const growth = many!.peakBytes / few!.peakBytes;
    const ratio = (memory.float32.aboveBare ?? 0) / (memory.int8.aboveBare ?? 1);
    return {
      kind: "measured",
      figures: { float32Bytes: bytes, bareBytes: bare.peakBytes, cases, memory },
      bars: [
        {
          claim: `peak at 512 images <= ${growthBar}x that at 32`,
          measured: `${growth.toFixed(2)}x`,
          isMet: growth <= growthBar,
          isExact: true,
        },
      ],
      quote:
        `compressing ResNet-50 (${megabytes(bytes)}) with 128 images takes ${seconds(usual!.tookMs)} to INT8 and ` +
        `${seconds(mixed!.tookMs)} to mixed bits, at a peak of ${megabytes(usual!.peakBytes)} and ${megabytes(mixed!.peakBytes)} ` +
        `(bare process ${megabytes(bare.peakBytes)}); with 512 images instead of 32 the peak is ${growth.toFixed(2)}x. ` +
        `Run, the model takes ${ratio.toFixed(2)}x less memory above the bare process.`,
    };
  },
};

interface Case extends ProbeOutcome {
  readonly bits: 8 | "mixed";
}

function caseText(
  { bits, seen, tookMs, processorMs, peakBytes, outputBytes }: Case,
  bareBytes: number,
): string {
  const what = bits === "mixed" ? "mixed" : `INT${bits}`;
  return (
    `${what}, ${seen} images seen: ${seconds(tookMs)} (${seconds(processorMs)} of processor time), peak ${megabytes(peakBytes)} ` +
    `(${megabytes(peakBytes - bareBytes)} above bare), file ${megabytes(outputBytes)}`
  );
}

/** Runs one probe to its end. */
async function probe(task: ProbeTask, signal: AbortSignal): Promise<ProbeOutcome> {
  const child = fork(fileURLToPath(new URL("compress-probe.ts", import.meta.url)), { execArgv: [], signal });
  return await new Promise((resolve, reject) => {
    child.on("message", (outcome: ProbeOutcome) => resolve(outcome));
    child.on("error", reject);
    child.on("exit", (status) => reject(new Error(`The probe ended with status ${status} and no figures.`)));
    child.send(task);
  });
}

function memoryTable(memory: Readonly<Record<string, MemoryReport>>): string {
  const text = (bytes: number | null) => (bytes === null ? "-" : megabytes(bytes));
  return tableText([
    ["one thread", "whole process", "above bare", "above idle engine", "anonymous"],
    ...Object.entries(memory).map(([name, report]) => [
      name,
      text(report.wholeProcess),
      text(report.aboveBare),
      text(report.aboveEngine),
      text(report.anonymous),
    ]),
  ]);
}
