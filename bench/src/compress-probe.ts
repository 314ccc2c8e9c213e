/** Entry of the child process that compresses once and tells what that took. */
import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { compress, compressFile, defaultRecipe, type Recipe } from "@cupel/compress";
import { readModelFile, writeModelFile } from "@cupel/onnx";
import { type ImageSource, parsePreprocessing, preprocessingFor } from "@cupel/vision";
import { syntheticImages } from "./images/synthetic-images.ts";

export type ProbeTask =
  /** Only what importing the modules costs. */
  | { readonly kind: "bare" }
  | {
      readonly kind: "compress";
      readonly path: string;
      readonly output: string;
      readonly bits: 8 | "mixed";
      readonly images: number;
      /** Calibration looks at all images, whether or not the ranges still move. */
      readonly seesAll: boolean;
    }
  | {
      readonly kind: "calibrate";
      readonly path: string;
      readonly output: string;
      readonly method: "min-max" | "auto";
      /** A file of RGB pixels, one image behind the other, of `side` by `side`. */
      readonly pixels: string;
      readonly images: number;
      readonly side: number;
    };

export interface ProbeOutcome {
  /** Images that calibration looked at. */
  readonly seen: number;
  /** From reading the model to having written the result. */
  readonly tookMs: number;
  /** The same in processor time of all threads: hardly longer on a busy machine. */
  readonly processorMs: number;
  /** The most that was ever resident, native memory included. */
  readonly peakBytes: number;
  readonly outputBytes: number;
}

process.once("message", async (task: ProbeTask) => {
  const started = performance.now();
  const before = process.cpuUsage();
  const done =
    task.kind === "bare"
      ? { seen: 0, outputBytes: 0 }
      : task.kind === "compress"
        ? await compressOnce(task)
        : await compressPixels(task);
  const { user, system } = process.cpuUsage(before);
  const outcome: ProbeOutcome = {
    ...done,
    tookMs: performance.now() - started,
    processorMs: (user + system) / 1000,
    peakBytes: peakResident(),
  };
  process.send?.(outcome, () => process.disconnect?.());
});

/** As `cupel compress --no-report` does it; a network without meaning has no answers to keep. */
async function compressOnce({ path, output, ...task }: ProbeTask & { kind: "compress" }) {
  const recipe = recipeFor(task.bits);
  const { calibration, bytes } = await compressFile(path, {
    out: output,
    images: syntheticImages({ count: task.images }),
    preprocessing: "preset=imagenet,resize=none",
    recipe: task.seesAll ? withoutStop(recipe) : recipe,
    floor: null,
    report: false,
  });
  return { seen: calibration!.images, outputBytes: bytes.compressed };
}

async function compressPixels({ path, output, method, ...pixels }: ProbeTask & { kind: "calibrate" }) {
  const model = await readModelFile(path);
  const recipe = withoutStop(defaultRecipe(8));
  const stages = recipe.stages.map((entry) =>
    entry.stage === "calibrate" ? { ...entry, method, images: pixels.images } : entry,
  );
  const result = await compress(model, {
    images: pixelImages(pixels),
    preprocessing: parsePreprocessing(
      "preset=imagenet,resize=none",
      preprocessingFor(model.graph.inputs[0]!.shape!),
    ),
    recipe: { ...recipe, stages },
  });
  const { bytes } = await writeModelFile(result.model, output);
  return { seen: result.calibration!.images, outputBytes: bytes };
}

function pixelImages(file: {
  readonly pixels: string;
  readonly images: number;
  readonly side: number;
}): ImageSource {
  const { pixels, images, side } = file;
  const bytes = side * side * 3;
  return {
    ...syntheticImages({ count: images, side }),
    location: pixels,
    async image(index) {
      await using handle = await open(pixels);
      const data = new Uint8Array(bytes);
      await handle.read(data, 0, bytes, index * bytes);
      return { kind: "raw", width: side, height: side, channels: 3, data };
    },
  };
}

/** A size for mixed bits: a network without meaning has no accuracy to hold a drop against. */
const mixedBytes = 11_300_000;

function recipeFor(bits: 8 | "mixed"): Recipe {
  return bits === "mixed" ? defaultRecipe(bits, { maxBytes: mixedBytes }) : defaultRecipe(bits);
}

function withoutStop(recipe: Recipe): Recipe {
  const stages = recipe.stages.map((entry) =>
    entry.stage === "calibrate" ? { ...entry, patience: Number.MAX_SAFE_INTEGER } : entry,
  );
  return { ...recipe, stages };
}

/** The kernel's own high-water mark where there is /proc; getrusage's elsewhere, in kilobytes. */
function peakResident(): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  const line = readFileSync("/proc/self/status", "utf8").match(/^VmHWM:\s*(\d+) kB$/m);
  return Number(line![1]) * 1024;
}
