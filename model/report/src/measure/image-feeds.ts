/**
 * Images to measure time with. Of most models noise takes as long as a photograph; one that may be left early, or whose
 * branches depend on the picture, is as fast as its images let it be.
 */
import type { Graph } from "@cupel/onnx";
import { imageFeed, imageInputOf, inputsOf } from "@cupel/predict";
import type { Feeds } from "@cupel/runtime";
import { batches, type ImageSource, type Preprocessing, sample, tensorDims } from "@cupel/vision";
import type { ModelPair } from "../model-pair.ts";

/** Of these the mean is told. */
const mostImages = 120;
/** Both models' feeds are held at once. */
const mostBytes = 64 * 2 ** 20;

/** Whether a graph has a choice to make while it runs: what a constant decides, the engine has decided before. */
export function dependsOnImage({ nodes }: Graph): boolean {
  return [...nodes].some((node) => node.is("Loop") || (node.is("If") && !node.input(0)?.constant));
}

/** Null where neither model has a choice. Images that cannot be read are left out, as the evaluation said of them. */
export async function feedsOf(
  graphs: ModelPair<Graph>,
  images: ImageSource,
  preprocessing: Preprocessing,
  { seed, signal }: { readonly seed: number; readonly signal: AbortSignal | undefined },
): Promise<ModelPair<readonly Feeds[]> | null> {
  if (!dependsOnImage(graphs.original) && !dependsOnImage(graphs.compressed)) return null;
  const bytes = 2 * 4 * tensorDims(preprocessing, 1).reduce((product, size) => product * size, 1);
  const count = Math.max(1, Math.min(mostImages, Math.floor(mostBytes / bytes)));
  const feeds: ModelPair<Feeds[]> = { original: [], compressed: [] };
  for await (const batch of batches(sample(images, count, seed), preprocessing, { batchSize: 1, signal })) {
    for (const side of ["original", "compressed"] as const) {
      const input = imageInputOf(inputsOf(graphs[side]));
      feeds[side].push({ [input.name]: imageFeed(input, { ...batch, data: batch.data.slice() }) });
    }
  }
  return feeds;
}
