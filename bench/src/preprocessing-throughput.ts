/**
 * Pictures to tensors: batches made by several decoders at once, against one picture after the other by
 * the same decoder and the same code. JPEG photographs, shrunk and normalised.
 */
import { join } from "node:path";
import {
  batches,
  createPictureReader,
  openPictures,
  type PictureSource,
  type Preprocessing,
  parsePreprocessing,
  preprocessingFor,
  sample,
} from "@cupel/vision";
import { type Benchmark, withoutData } from "./benchmark.ts";
import { ratioText, spreadOf, tableText } from "./figures.ts";

const pictures = 256;
const rounds = 11;

export const preprocessingThroughput: Benchmark = {
  name: "preprocessing-throughput",
  claim:
    "batches() decodes several pictures at once, ahead of the model: pictures per second on idle cores. No bar.",
  peer: "sharp on one picture after the other, same preprocessing",
  takes: "1 min",
  async run({ data, print, signal }) {
    if (data === null) return withoutData;
    const source = sample(await openPictures(join(data, "imagenet", "train-sample")), pictures, 1);
    const preprocessing = parsePreprocessing(
      "preset=imagenet,resize=short-side:232,crop=224",
      preprocessingFor(["N", 3, 224, 224]),
    );
    const alone: number[] = [];
    const together: number[] = [];
    // The first round warms the file cache and the compiler, and does not count.
    for (let round = 0; round <= rounds; round++) {
      signal.throwIfAborted();
      const times = {
        alone: await oneAtATime(source, preprocessing),
        together: await inBatches(source, preprocessing),
      };
      if (round === 0) continue;
      alone.push(times.alone);
      together.push(times.together);
    }
    const rate = (times: readonly number[]) => (pictures * 1000) / spreadOf(times).median;
    const ratio = spreadOf(alone.map((ms, round) => ms / together[round]!));
    print(
      tableText([
        ["pictures/s, one at a time", "batches()", "ratio"],
        [rate(alone).toFixed(0), rate(together).toFixed(0), ratioText(ratio)],
      ]),
    );
    return {
      kind: "measured",
      figures: {
        pictures,
        rounds,
        oneAtATimePerSecond: rate(alone),
        batchesPerSecond: rate(together),
        ratio,
      },
      bars: [],
      quote: `batches() makes tensors of photographs ${ratioText(ratio)} as fast as one picture after the other.`,
    };
  },
};

async function oneAtATime(source: PictureSource, preprocessing: Preprocessing): Promise<number> {
  const reader = createPictureReader(preprocessing);
  const started = performance.now();
  for (let i = 0; i < source.length; i++) await reader.read(await source.picture(i));
  return performance.now() - started;
}

async function inBatches(source: PictureSource, preprocessing: Preprocessing): Promise<number> {
  const started = performance.now();
  for await (const { data } of batches(source, preprocessing, { batchSize: 32 })) void data;
  return performance.now() - started;
}
