/**
 * The two things a compressed file must be before it takes its name: the model whose figures are told, and a
 * model that still answers as the original does.
 */
import { encodeModel, type Model } from "@cupel/onnx";
import {
  checkRuns,
  imagesIn,
  type RecordedOutputs,
  recordOutputs,
  type VerifyWrittenOptions,
  verifyWritten,
} from "@cupel/predict";
import type { openSession } from "@cupel/runtime";
import type { ImageBatch } from "@cupel/vision";
import { assertFloor, type Floor, figuresOf, keepsTo, type OutputFigure, type Reading } from "./floor.ts";

export interface VerifyCompressedOptions extends VerifyWrittenOptions, Reading {
  /** Null where anything will do. */
  readonly floor: Floor | null;
  /** What sessions of the original are opened with. Default: `open`. */
  readonly openOriginal?: typeof openSession | undefined;
  /** Whether the images are noise. Default false. */
  readonly areRandom?: boolean | undefined;
}

export interface WrittenCheck {
  readonly images: number;
  /** Were they noise, because nobody gave images? Then the figures say nothing of real ones. */
  readonly random: boolean;
  /** Of an output in the engine from that of the graph in memory, as a share of its range. */
  readonly largestDifference: number;
  /** Against the original, one an output. */
  readonly outputs: readonly OutputFigure[];
}

/** Whether a model that has no file yet keeps to the floor, on the images that its file will be tried with. */
export async function floorCheck(
  original: string,
  options: VerifyCompressedOptions & { readonly floor: Floor },
): Promise<(model: Model) => Promise<boolean>> {
  let known: { readonly runs: readonly ImageBatch[]; readonly reference: RecordedOutputs } | null = null;
  return async (model) => {
    if (known === null) {
      const all = await checkRuns(model, options);
      const reference = await recordOutputs(original, all, ofOriginal(options));
      known = { runs: all.slice(0, reference.runs.length), reference };
    }
    const { runs, reference } = known;
    const recorded = await recordOutputs(encodeModel(model), runs, options);
    const fed = runs.slice(0, recorded.runs.length);
    const compared = { ...reference, runs: reference.runs.slice(0, fed.length) };
    return figuresOf(compared, recorded, fed, options).every((figure) => keepsTo(figure, options.floor));
  };
}

/**
 * @param path of the written file. @param model that it was written from. @param original path of the float model
 * @throws WRITTEN_FILE_FAILS, WRITTEN_FILE_DIFFERS, FLOOR_MISSED, and what a session of the original throws
 */
export async function verifyCompressed(
  path: string,
  model: Model,
  original: string,
  options: VerifyCompressedOptions,
): Promise<WrittenCheck> {
  const { runs, written, largestDifference } = await verifyWritten(path, model, options);
  const reference = await recordOutputs(original, runs, ofOriginal(options));
  const fed = runs.slice(0, reference.runs.length);
  const outputs = figuresOf(reference, written, fed, options);
  const images = imagesIn(fed);
  if (options.floor !== null) assertFloor(outputs, options.floor, images);
  return { images, random: options.areRandom ?? false, largestDifference, outputs };
}

function ofOriginal(options: VerifyCompressedOptions): VerifyCompressedOptions {
  return { ...options, open: options.openOriginal ?? options.open };
}
