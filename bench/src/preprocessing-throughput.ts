/**
 * JPEG photographs to normalised tensors: the training loader against the same sharp pipeline in one thread.
 * Beside it `batches()`, and the peer with an image for each core at once: what this machine gives beyond
 * one thread at that moment, whoever else is at work on it.
 */

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { spreadOf } from "@cupel/base";
import {
  batches,
  type ImageSource,
  type Loader,
  openImages,
  openLoader,
  parsePreprocessing,
  preprocessingFor,
  sample,
} from "@cupel/vision";
import sharp from "sharp";
import { type Benchmark, withoutData } from "./benchmark.ts";
import { ratioText, tableText } from "./figures.ts";
import { sharpPipeline } from "./peer/sharp-pipeline.ts";

const images = 256;
const batchSize = 32;
const rounds = 11;
const bar = 1.7;
/** Mean difference between the tensors of both sides, in standard deviations: a resize may round by a pixel. */
const tolerance = 0.05;

export const preprocessingThroughput: Benchmark = {
  name: "preprocessing-throughput",
  claim: `The training loader makes tensors of photographs at least ${bar} times as fast on two cores.`,
  peer: "the same sharp pipeline in one thread, one image after the other",
  takes: "1 min",
  async run({ data, print, signal }) {
    if (data === null) return withoutData;
    const source = sample(await openImages(join(data, "imagenet", "train-sample")), images, 1);
    const preprocessing = parsePreprocessing(
      "preset=imagenet,resize=short-side:232,crop=224",
      preprocessingFor(["N", 3, 224, 224]),
    );
    const paths = await pathsOf(source);
    await using loader = openLoader(source, preprocessing, { batchSize, shuffle: false });
    const cores = availableParallelism();

    await checkSame(loader, await sharpPipeline(paths.slice(0, batchSize), preprocessing, batchSize, 1));
    const ways = {
      peer: () => sharpPipeline(paths, preprocessing, batchSize, 1),
      peerOnAllCores: () => sharpPipeline(paths, preprocessing, batchSize, cores),
      batches: () => drain(batches(source, preprocessing, { batchSize })),
      loader: () => drain(loader.epoch(0)),
    };
    const names = ["peer", "peerOnAllCores", "batches", "loader"] as const;
    const times: Record<(typeof names)[number], number[]> = {
      peer: [],
      peerOnAllCores: [],
      batches: [],
      loader: [],
    };
    // The first round warms the file cache and the compiler, and does not count.
    for (let round = 0; round <= rounds; round++) {
      for (const name of names) {
        signal.throwIfAborted();
        const started = performance.now();
        await ways[name]();
        if (round > 0) times[name].push(performance.now() - started);
      }
    }

    const decodedBytes = await bytesOfPixels(paths);
    const floatBytes = images * 3 * preprocessing.width * preprocessing.height * 4;
    const figures = Object.fromEntries(
      names.map((name) => {
        const seconds = spreadOf(times[name]).median / 1000;
        return [
          name,
          {
            imagesPerSecond: images / seconds,
            decodedGibPerSecond: decodedBytes / 2 ** 30 / seconds,
            floatGibPerSecond: floatBytes / 2 ** 30 / seconds,
            ratio: spreadOf(times.peer.map((ms, round) => ms / times[name][round]!)),
          },
        ] as const;
      }),
    );
    print(
      tableText([
        ["", "images/s", "GiB/s of decoded pixels", "GiB/s of floats made", "ratio"],
        ...Object.entries(figures).map(([name, figure]) => [
          name,
          figure.imagesPerSecond.toFixed(0),
          figure.decodedGibPerSecond.toFixed(3),
          figure.floatGibPerSecond.toFixed(3),
          ratioText(figure.ratio),
        ]),
      ]),
    );
    const ratio = spreadOf(times.peer.map((ms, round) => ms / times.loader[round]!));
    return {
      kind: "measured",
      figures: { images, batchSize, rounds, cores, ...figures },
      bars: [
        {
          claim: `the loader makes at least ${bar} times as many images a second as one thread`,
          measured: ratioText(ratio),
          isMet: ratio.median >= bar,
          isExact: false,
        },
      ],
      quote: `On ${cores} cores the training loader makes tensors of photographs ${ratioText(ratio)} as fast as the same sharp pipeline in one thread.`,
    };
  },
};

async function pathsOf(source: ImageSource): Promise<string[]> {
  const found = await Promise.all(Array.from({ length: source.length }, (_, i) => source.image(i)));
  return found.filter((image) => image.kind === "file").map(({ path }) => path);
}

/** As they are in the files, before the resize. */
async function bytesOfPixels(paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(paths.map((path) => sharp(path).metadata()));
  return sizes.reduce((sum, { width, height }) => sum + width * height * 3, 0);
}

async function drain(made: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of made);
}

/** The first batch of both, before anything is timed. */
async function checkSame(loader: Loader, peer: Float32Array): Promise<void> {
  for await (const { data } of loader.epoch(0)) {
    const difference = data.reduce((sum, value, i) => sum + Math.abs(value - peer[i]!), 0) / data.length;
    if (difference <= tolerance) return;
    throw new Error(`The peer's tensors differ from the loader's by ${difference.toFixed(3)} on average.`);
  }
}
