/**
 * What calibration costs beside the stock Python quantiser, on the same images: the whole of a compression to
 * INT8 with min-max and with the default method, and the whole of `quantize_static` with MinMax. Each runs in
 * a process of its own, one after the other; time counts from its start, with what it imports.
 */
import { execFile, fork } from "node:child_process";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openTemporaryFolder } from "@cupel/base";
import { type Model, writeModelFile } from "@cupel/onnx";
import { mobilenetV2 } from "@cupel/train";
import { type ImageSource, parsePreprocessing, preprocessingFor } from "@cupel/vision";
import { type Bar, type Benchmark, withoutPython } from "./benchmark.ts";
import type { ProbeOutcome, ProbeTask } from "./compress-probe.ts";
import { megabytes, ratioOf, seconds, tableText } from "./figures.ts";
import { syntheticImages } from "./images/synthetic-images.ts";
import { resnet50 } from "./models/resnet50.ts";
import { squeezenet } from "./models/squeezenet.ts";
import { type ImageTensors, writeTensors } from "./peer/static-quantiser.ts";

const side = 224;
const preprocessingSpec = "preset=imagenet,resize=none";

const subjects: Readonly<Record<string, () => Model>> = {
  mobilenetV2: () => mobilenetV2({ classes: 1000, input: [3, side, side] }),
  resnet50: () => resnet50(),
  squeezenet: () => squeezenet({ input: [3, side, side], classes: 1000, width: 64, stride: 2 }),
};

export const calibration: Benchmark = {
  name: "calibration",
  claim:
    "Compressing with min-max takes no longer, and no more memory, than quantize_static's MinMax on the same images.",
  peer: "ONNX Runtime's quantize_static in Python (QDQ, per channel, MinMax, with its preparation)",
  takes: "10 min; CUPEL_IMAGES=128,512 sets how many images (default 128)",
  async run({ print, python, signal }) {
    if (python === null) return withoutPython;
    const counts = imageCounts();
    await using folder = await openTemporaryFolder("bench");
    const cases: Case[] = [];
    for (const [name, make] of Object.entries(subjects)) {
      const path = join(folder.path, `${name}.onnx`);
      const model = make();
      await writeModelFile(model, path);
      const preprocessing = parsePreprocessing(
        preprocessingSpec,
        preprocessingFor(model.graph.inputs[0]!.shape!),
      );
      for (const count of counts) {
        const images = syntheticImages({ count, side });
        const tensors = await writeTensors(images, preprocessing, join(folder.path, "images"));
        const output = join(folder.path, "out.onnx");
        const pixels = join(folder.path, "pixels");
        await writePixels(images, pixels);
        const ours = { kind: "calibrate", path, output, pixels, images: count, side } as const;
        const found: Case = {
          name,
          images: count,
          stock: await stockQuantiser(python, { path, output, tensors, signal }),
          minMax: await probe({ ...ours, method: "min-max" }, signal),
          auto: await probe({ ...ours, method: "auto" }, signal),
        };
        cases.push(found);
        print(`${name}, ${count} images: ${caseText(found)}`);
      }
    }
    print(`\n${table(cases)}`);
    return {
      kind: "measured",
      figures: { cases },
      bars: cases.flatMap(barsOf),
      quote: cases.map((each) => `${each.name}, ${each.images} images: ${caseText(each)}`).join("; "),
    };
  },
};

async function writePixels(images: ImageSource, path: string): Promise<void> {
  await using file = await open(path, "w");
  for (let index = 0; index < images.length; index++) {
    const image = await images.image(index);
    if (image.kind === "raw") await file.write(image.data);
  }
}

interface Cost {
  /** Processor time of all threads, user and system: hardly longer on a busy machine. */
  readonly processorMs: number;
  readonly tookMs: number;
  readonly peakBytes: number;
}

interface Case {
  readonly name: string;
  readonly images: number;
  readonly stock: Cost;
  readonly minMax: Cost;
  readonly auto: Cost;
}

function imageCounts(): number[] {
  const counts = (process.env.CUPEL_IMAGES ?? "128").split(",").map(Number);
  if (counts.every((count) => Number.isSafeInteger(count) && count > 0)) return counts;
  throw new Error(`CUPEL_IMAGES must be whole numbers, such as 128,512, not ${process.env.CUPEL_IMAGES}.`);
}

function barsOf({ name, images, stock, minMax }: Case): Bar[] {
  const bar = (what: string, cost: (of: Cost) => number): Bar => ({
    claim: `${name}, ${images} images: ${what} <= the stock quantiser's`,
    measured: ratioOf(cost(minMax), cost(stock)),
    isMet: cost(minMax) <= cost(stock),
    isExact: false,
  });
  return [bar("time", ({ tookMs }) => tookMs), bar("peak memory", ({ peakBytes }) => peakBytes)];
}

function caseText({ stock, minMax, auto }: Case): string {
  const text = (cost: Cost) =>
    `${seconds(cost.tookMs)} (${seconds(cost.processorMs)} of processor time), ${megabytes(cost.peakBytes)}`;
  return `stock ${text(stock)}; min-max ${text(minMax)}; default ${text(auto)}`;
}

function table(cases: readonly Case[]): string {
  const ratios = (of: (cost: Cost) => number, { stock, minMax, auto }: Case) =>
    `${ratioOf(of(minMax), of(stock))} / ${ratioOf(of(auto), of(stock))}`;
  return tableText([
    ["over the stock's, min-max / default", "images", "time", "processor time", "peak memory"],
    ...cases.map((each) => [
      each.name,
      String(each.images),
      ratios(({ tookMs }) => tookMs, each),
      ratios(({ processorMs }) => processorMs, each),
      ratios(({ peakBytes }) => peakBytes, each),
    ]),
  ]);
}

/** From the process's start to its end, so that both sides pay for what they import. */
async function probe(task: ProbeTask, signal: AbortSignal): Promise<Cost> {
  const started = performance.now();
  const child = fork(fileURLToPath(new URL("compress-probe.ts", import.meta.url)), { execArgv: [], signal });
  return await new Promise((resolve, reject) => {
    let outcome: ProbeOutcome | null = null;
    child.on("message", (message: ProbeOutcome) => {
      outcome = message;
    });
    child.on("error", reject);
    child.on("exit", (status) => {
      if (outcome) resolve({ ...outcome, tookMs: performance.now() - started });
      else reject(new Error(`The probe ended with status ${status} and no figures.`));
    });
    child.send(task);
  });
}

interface StockTask {
  readonly path: string;
  readonly output: string;
  readonly tensors: ImageTensors;
  readonly signal: AbortSignal;
}

async function stockQuantiser(python: string, { path, output, tensors, signal }: StockTask): Promise<Cost> {
  const script = (name: string) => fileURLToPath(new URL(`peer/${name}`, import.meta.url));
  const started = performance.now();
  const { stdout } = await promisify(execFile)(
    python,
    [
      script("costs_of.py"),
      script("quantise_static.py"),
      path,
      tensors.path,
      tensors.dims.join("x"),
      "MinMax",
      "yes",
      output,
    ],
    { signal, maxBuffer: 2 ** 26 },
  );
  const tookMs = performance.now() - started;
  const [processorMs, peakBytes] = stdout.trim().split("\n").at(-1)!.split(" ").map(Number);
  return { tookMs, processorMs: processorMs!, peakBytes: peakBytes! };
}
