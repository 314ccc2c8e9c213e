/**
 * What is fuzzed. To add a target: a row here, and inputs for a start in corpus/NAME. A target loads what it runs
 * when it runs: coverage is taken of every function that is loaded, after each input.
 */
import { globSync, readFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { own } from "@cupel/base";
import { mutateBundle } from "./mutate-bundle.ts";
import { type Mutate, mutateBytes } from "./mutate-bytes.ts";
import { mutateCheckpoint } from "./mutate-checkpoint.ts";
import { mutateManifest } from "./mutate-manifest.ts";
import { mutateMessage } from "./mutate-message.ts";
import { mutateZip } from "./mutate-zip.ts";
import { attempt } from "./outcome.ts";

export interface FuzzTarget {
  /** One sentence for the list. */
  readonly summary: string;
  /** Sources whose blocks an input is kept for; null where what runs is no JavaScript. */
  readonly watched: RegExp | null;
  /** Files to begin with, beside those of corpus/NAME: a pattern from the root of the repository. */
  readonly seeds: string;
  /** Inputs that only the sources of today can make. @param folder to write to. */
  readonly made?: (folder: string) => Promise<readonly Uint8Array[]>;
  readonly mutate: Mutate;
  /** Ends as every input must: well, or with an error of the tables. @param folder to write to. */
  readonly run: (bytes: Uint8Array, folder: string) => unknown;
  /** One that has not ended then hangs. */
  readonly hangMs: number;
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");
let bundleTrial: Promise<(bytes: Uint8Array) => Promise<void>> | undefined;
/** Of a network that does not say what it takes. */
const usualShape = ["N", 3, 224, 224];

export const targets: Readonly<Record<string, FuzzTarget>> = {
  onnx: {
    summary: "a model is read, checked, inferred, summarised, cleaned and written",
    watched: /\/model\/(onnx|compress)\/src\//,
    seeds: "model/onnx/test/fixtures/*.onnx",
    mutate: mutateMessage,
    async run(bytes) {
      const { checkModel, encodeModelBytes, graphSummary, inferShapes, readModel } = await import(
        "@cupel/onnx"
      );
      const { compress, parseRecipe } = await import("@cupel/compress");
      const { preprocessingFor, syntheticInspection } = await import("@cupel/vision");
      const fresh = () => readModel(bytes);
      encodeModelBytes(fresh());
      graphSummary(fresh());
      inferShapes(fresh());
      const model = fresh();
      checkModel(model);
      const recipe = parseRecipe({ stages: [{ stage: "clean" }, { stage: "quantise", bits: 16 }] }, "fuzz");
      const shape = model.graph.inputs[0]?.shape ?? [];
      const preprocessing = (await attempt(() => preprocessingFor(shape))) ?? preprocessingFor(usualShape);
      const images = syntheticInspection({ count: 1 });
      encodeModelBytes((await compress(model, { images, preprocessing, recipe })).model);
    },
    hangMs: 5_000,
  },
  isolated: {
    summary: "a model is loaded and run by the engine, in a process of its own with 1 GB and 4 s",
    watched: null,
    seeds: "{model/onnx/test/fixtures,tools/fuzz/corpus/onnx}/*.onnx",
    mutate: mutateMessage,
    async run(bytes) {
      const { tryIsolated } = await import("@cupel/runtime");
      return tryIsolated(bytes, { threads: 1, limits: { memory: 1e9, time: 4_000 } });
    },
    hangMs: 20_000,
  },
  images: {
    summary: "packed images (IDX, CIFAR-10, CSV) are opened, and the first one decoded",
    watched: /\/model\/vision\/src\//,
    seeds: "tools/fuzz/corpus/images/*",
    mutate: mutateBytes,
    async run(bytes, folder) {
      const { openImages } = await import("@cupel/vision");
      for (const name of ["a-images-idx3-ubyte", "b.bin", "c.csv", "d.gz"]) {
        const path = join(folder, name);
        await writeFile(path, bytes);
        const source = await attempt(() => openImages(path));
        if (source !== null && source.length > 0) await attempt(() => source.image(0));
      }
    },
    hangMs: 5_000,
  },
  checkpoint: {
    summary: "a checkpoint with a right digest is resumed, and the training ended",
    watched: /\/model\/(train|runtime)\/src\//,
    seeds: "tools/fuzz/corpus/checkpoint/*",
    async made(folder) {
      const { trainBriefly } = await import("./brief-training.ts");
      return Promise.all(
        [1, 2].map(async (epochs) => {
          const path = join(folder, `${epochs}.safetensors`);
          await trainBriefly(path, epochs);
          return new Uint8Array(await readFile(path));
        }),
      );
    },
    mutate: mutateCheckpoint,
    async run(bytes, folder) {
      const { trainBriefly } = await import("./brief-training.ts");
      const path = join(folder, "given.safetensors");
      await writeFile(path, bytes);
      try {
        await trainBriefly(path, 2);
      } finally {
        await rm(path, { force: true });
      }
    },
    hangMs: 5_000,
  },
  options: {
    summary: "the text of options: preprocessing, augmentation, networks, recipes",
    watched: /\/(model|app)\/[a-z]+\/src\//,
    seeds: "tools/fuzz/corpus/options/*",
    mutate: mutateBytes,
    async run(bytes) {
      const { parseAugmentation, parsePreprocessing, preprocessingFor } = await import("@cupel/vision");
      const { parseNetwork } = await import("@cupel/train");
      const { parseRecipe } = await import("@cupel/compress");
      const square = preprocessingFor(usualShape);
      const given = text(bytes);
      await attempt(() => parsePreprocessing(given, square));
      await attempt(() => parseAugmentation(given));
      await attempt(() => parseNetwork(given));
      const json = await attempt(() => jsonOf(given));
      if (json !== null) await attempt(() => parseRecipe(json, "fuzz"));
    },
    hangMs: 5_000,
  },
  zip: {
    summary: "the digests of an archive's entries are taken; what is accepted is a manifest",
    watched: /\/trust\/attest\/src\//,
    seeds: "tools/fuzz/corpus/zip/*",
    mutate: mutateZip,
    async run(bytes, folder) {
      const { manifestRoots, parseManifest, readArchive } = await import("@cupel/attest");
      const path = join(folder, "given.zip");
      await writeFile(path, bytes);
      // Coverage is that of this thread.
      const manifest = await readArchive(path, { workers: 0 });
      mustHold(() => parseManifest(manifest, "the archive"));
      manifestRoots(manifest);
    },
    hangMs: 10_000,
  },
  manifest: {
    summary:
      "two manifests are read and compared: no difference, and equal roots, exactly when they say the same",
    watched: /\/trust\/attest\/src\//,
    seeds: "tools/fuzz/corpus/manifest/*",
    mutate: mutateManifest,
    async run(bytes) {
      const { compareManifests, describeDifference, manifestRoots, parseManifest } = await import(
        "@cupel/attest"
      );
      const given = Object(jsonOf(text(bytes)));
      const read = (member: string) => attempt(() => parseManifest(own(given, member), member));
      const [expected, found] = [await read("expected"), await read("found")];
      if (expected === null || found === null) return;
      const differences = compareManifests(expected, found);
      for (const difference of differences) describeDifference(difference);
      compareManifests(found, expected);
      const isSame = isDeepStrictEqual(expected, found);
      const haveSameRoots = isDeepStrictEqual(manifestRoots(expected), manifestRoots(found));
      if (isSame !== (differences.length === 0) || isSame !== haveSameRoots) {
        throw new Error(
          `${differences.length} differences, equal roots: ${haveSameRoots}, the same: ${isSame}`,
        );
      }
    },
    hangMs: 10_000,
  },
  bundle: {
    summary: "a signature's bundle and PEM are read, and verified when nothing that was signed is another",
    watched: /\/trust\/attest\/src\//,
    seeds: "tools/fuzz/corpus/bundle/*",
    mutate: mutateBundle,
    async run(bytes) {
      bundleTrial ??= (await import("../../trust/attest/tools/try-bundle.ts")).openBundleTrial(
        join(import.meta.dirname, "corpus/bundle"),
        attempt,
      );
      await (await bundleTrial)(bytes);
    },
    hangMs: 10_000,
  },
};

/** What refuses here was accepted before. @throws a finding */
function mustHold(check: () => unknown): void {
  try {
    check();
  } catch (thrown) {
    throw new Error("Accepted, and refused when it was looked at again", { cause: thrown });
  }
}

/** Null for a text that is no JSON. */
function jsonOf(given: string): unknown {
  try {
    return JSON.parse(given);
  } catch {
    return null;
  }
}

/** What to begin with. @param folder to write to */
export async function seedsOf(
  name: string,
  { seeds, made }: FuzzTarget,
  folder: string,
): Promise<readonly Uint8Array[]> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const paths = [seeds, `tools/fuzz/corpus/${name}/*`].flatMap((pattern) => globSync(pattern, { cwd: root }));
  const files = [...new Set(paths)].sort().map((path) => new Uint8Array(readFileSync(join(root, path))));
  return [...files, ...((await made?.(folder)) ?? [])];
}
