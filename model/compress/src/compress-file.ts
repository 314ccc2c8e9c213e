/**
 * The whole path from a model file to a smaller one and a report of what that cost: open, check, compress,
 * write, and measure the written file. What `cupel compress` does, as a call that returns data.
 */
import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { assertWritable, bytesText, type WorkOptions } from "@cupel/base";
import { type Model, writtenBytes } from "@cupel/onnx";
import {
  assertAboveChance,
  type Chance,
  type ChosenPreprocessing,
  choosePreprocessing,
  classesOf,
  correctOutputs,
  firstLook,
  type LabelsBy,
  measuredSentence,
  metadataKeys,
  modelInputs,
  namedBy,
  type TaskName,
  taskOf,
  tasks,
  uncertainOrigin,
  writeVerified,
} from "@cupel/predict";
import { type CompressionReport, makeReport } from "@cupel/report";
import type { Feeds, openSession } from "@cupel/runtime";
import type { ImageSource, Preprocessing, UnreadableImage } from "@cupel/vision";
import { chooseImages, chooseUnmatched, trainingImages, withoutImages } from "./choose-images.ts";
import { type CompressResult, compressAdjustably } from "./compress.ts";
import { compressErrors } from "./errors.ts";
import { openOriginal } from "./open-original.ts";
import { defaultRecipe } from "./recipe/parse-recipe.ts";
import { looksAtImages, type Recipe, stageOf } from "./recipe/recipe.ts";
import { assertInFloat, assertNoBfloat16 } from "./requirements.ts";
import { trainingImagesOf } from "./stage/stage.ts";
import { defaultFloor, type Floor } from "./written/floor.ts";
import { listReader } from "./written/listed-boxes.ts";
import { randomImages } from "./written/random-images.ts";
import { verifyCompressed, type WrittenCheck } from "./written/verify-compressed.ts";
import { writtenWithinFloor } from "./written/within-floor.ts";

export interface CompressFileOptions extends WorkOptions {
  /** The file to write; not the one that is read. */
  readonly out: string;
  /**
   * Images to calibrate with, labelled or not. Those a search chooses by are taken from them. May be left out with 16
   * bits: the file is then compared with the original on random images, and there is no report.
   */
  readonly images?: ImageSource | undefined;
  /**
   * Images that stages train with, labelled or not: without labels, or with those that are no classes of the model, the
   * original teaches. Default: none, and a stage that trains is refused.
   */
  readonly training?: ImageSource | undefined;
  /** Whether labels of `images` MUST be classes of the model. Default false: labels that are none are left out. */
  readonly needsLabels?: boolean | undefined;
  /** Names in the order of the model's classes, for a model whose metadata has none. Default: those of the images. */
  readonly classes?: readonly string[] | null | undefined;
  /** Images that nothing but the report sees. Default: a fifth of `images`, 1000 at most, kept apart. */
  readonly evaluation?: ImageSource | undefined;
  /** What the outputs mean; written into the file. Default: as the model's metadata says, else as the outputs look. */
  readonly taskName?: TaskName | undefined;
  /** Path of labels that lie apart from the images that judge, as a folder of masks. Default: none. */
  readonly labelsPath?: string | null | undefined;
  /** The column of `labelsPath` where that is a table. Default: the one whose name tells. */
  readonly labelColumn?: string | null | undefined;
  /** In full or in words. Default: as the model says, else what does best on the images of several usual ones. */
  readonly preprocessing?: Preprocessing | string | undefined;
  /**
   * Tensors by name for inputs beside the image, of one image or of any. Default: none, and a model of several inputs
   * is refused but for those that have a usual value.
   */
  readonly inputs?: Feeds | undefined;
  /**
   * Whether weights of at least 4096 bytes lie in a file of their own beside `out`, NAME.DIGEST.data, each at the start of a
   * page, so that an engine maps them. Default false: only where a model would pass protobuf's 2 GiB.
   */
  readonly externalData?: boolean | undefined;
  /** Default: 8 bits. */
  readonly recipe?: Recipe | undefined;
  /** The least the written file must keep of the original, on calibration images; null for anything. Default: `defaultFloor`. */
  readonly floor?: Floor | null | undefined;
  /** The command line, for the record. */
  readonly command?: string | undefined;
  /** Whether to measure the written file. Default true; without images nothing is measured. */
  readonly report?: boolean | undefined;
  /** Default 1. */
  readonly seed?: number | undefined;
  /** Default: all cores. */
  readonly threads?: number | undefined;
  /** Go on with an original that is right no more often than chance. Default false. */
  readonly allowChance?: boolean | undefined;
  /** Fail on the first unreadable image. Default false. */
  readonly strict?: boolean | undefined;
  /** What sessions are opened with, but those that measure latency and memory: such as a profiler's `open`. Default: `openSession` of @cupel/runtime. */
  readonly open?: typeof openSession | undefined;
  /** Told what a person should know, when it is known. */
  readonly onFact?: ((fact: CompressionFact) => void) | undefined;
}

export type CompressionFact =
  /** How the images are prepared, and who says so. */
  | ({ readonly kind: "preprocessing" } & ChosenPreprocessing)
  /** How often the original is right on a few hundred labelled images, before anything is made of it. */
  | { readonly kind: "chance"; readonly chance: Chance }
  /** A sentence without its full stop: why the labels of the images are not used. */
  | { readonly kind: "labelsUnused"; readonly problem: string }
  /** A whole sentence: labels met the classes by their order, because a side has no names. */
  | { readonly kind: "labelsByOrder"; readonly sentence: string }
  /** Without images for evaluation some were kept apart from the `of` given. */
  | { readonly kind: "keptApart"; readonly images: number; readonly of: number }
  /** There were too few to keep some apart: the report judges by the images that calibrated. */
  | { readonly kind: "notKeptApart"; readonly of: number }
  /** The model file has its name; reports of an earlier one are out of date. */
  | { readonly kind: "written" }
  /** Images that calibration left out, once each. */
  | { readonly kind: "unreadable"; readonly images: readonly UnreadableImage[] }
  /** What a stage has to say, or what to know of how the model is fed. */
  | { readonly kind: "note"; readonly sentence: string };

export interface CompressedFile extends Omit<CompressResult, "model" | "notes"> {
  /** On disk, external data included. */
  readonly bytes: { readonly original: number; readonly compressed: number };
  /** The file of weights beside the model; null where they are in it. */
  readonly dataPath: string | null;
  /** How the images were prepared, and who says so. */
  readonly chosen: ChosenPreprocessing;
  /** What was found before the file took its name. */
  readonly check: WrittenCheck;
  /** Null when none was asked for, and without images. */
  readonly report: CompressionReport | null;
  /** How the labels of the images that judge met the model's classes; null where they have none, or unused ones. */
  readonly labels: LabelsBy;
}

/**
 * The file takes its name when the engine has opened it, its outputs on calibration images are those of the graph
 * in memory and they keep to the floor; one that fails is kept as `NAME.failed.onnx` and named in the error. The
 * file has its name before the report is made, and keeps it when the report fails.
 * @throws WRITE_FAILED before the first image is read, OUTPUT_IS_INPUT, IMAGES_NEEDED, TRAINING_IMAGES_NEEDED, LABELS_MISMATCH, WRITTEN_FILE_FAILS,
 * WRITTEN_FILE_DIFFERS, FLOOR_MISSED, and what `openModel`, `compress`, `writeVerified` and `makeReport` throw
 */
export async function compressFile(path: string, options: CompressFileOptions): Promise<CompressedFile> {
  await assertOtherFile(options.out, path);
  await assertWritable([options.out]);
  const { out, seed = 1, threads, strict, signal, progress, floor = defaultFloor } = options;
  const { onFact = () => {}, images, recipe = defaultRecipe() } = options;
  if (images === undefined && looksAtImages(recipe)) throw imagesNeeded();
  for (const stage of ["stochastic-depth", "retrain", "gates", "exits"] as const) {
    if (stageOf(recipe, stage)) trainingImagesOf({ training: options.training ?? null }, stage);
  }
  await using original = await openOriginal(path, signal);
  const { opened } = original;
  const usual = choosePreprocessing(opened, options.preprocessing);
  assertInFloat(opened.model);
  assertNoBfloat16(opened.model);
  const inputs = modelInputs(opened.model, usual.preprocessing, options.inputs);
  const open = inputs.opener(options.open);
  const outputSentences = await correctOutputs(opened.model, usual.preprocessing, () =>
    open(original.source, { threads, signal }),
  );
  if (options.taskName !== undefined) opened.model.metadata.set(metadataKeys.task, options.taskName);
  const task = taskOf(opened.model);
  const isOfClasses = task === tasks.classification;
  const classes = classesOf(
    opened.model,
    options.classes,
    task.classCount(opened.model.graph.outputs[0]?.shape ?? []),
  );
  const { calibration, evaluation, labels, order } =
    images === undefined
      ? withoutImages(randomImages(usual.preprocessing, seed))
      : isOfClasses
        ? chooseImages({ ...options, images }, classes, seed, onFact)
        : chooseUnmatched({ ...options, images }, task, classes, seed, onFact);
  const { names } = isOfClasses && images ? namedBy(classes, [evaluation, calibration]) : classes;
  const work = { seed, threads, open, signal, progress };
  const tried = calibration.labelled || !evaluation.labelled ? calibration : evaluation;
  const { chosen, chance } = images
    ? await firstLook(original.source, opened, usual, tried, work)
    : { chosen: usual, chance: null };
  const { preprocessing } = chosen;
  if (images) onFact({ kind: "preprocessing", ...chosen });
  const size = options.report === false || images === undefined ? null : measuredSentence(inputs);
  for (const sentence of [...(size === null ? [] : [size]), ...inputs.sentences, ...outputSentences]) {
    onFact({ kind: "note", sentence });
  }
  if (chance) {
    if (!options.allowChance) assertAboveChance(path, chance, chosen);
    onFact({ kind: "chance", chance });
  }

  const form = { externalData: options.externalData ? {} : undefined };
  const training = options.training && trainingImages(options.training, isOfClasses, classes, onFact);
  const unreadable = new Map<string, UnreadableImage>();
  await using adjustable = await compressAdjustably(opened.model, {
    images: calibration,
    training,
    preprocessing,
    preprocessingOrigin: uncertainOrigin(chosen),
    classes: names,
    recipe,
    bytesOf: (model) => writtenBytes(model, out, form),
    seed,
    threads,
    strict,
    open,
    signal,
    progress,
    onUnreadable: (image) => unreadable.set(image.id, image),
  });
  const verification = {
    images: calibration,
    areRandom: images === undefined,
    areClasses: isOfClasses,
    boxes: listReader(task, opened.model, { classes: names, preprocessing }),
    preprocessing,
    seed,
    threads,
    strict,
    open,
    openOriginal: original.opener(open),
    floor,
    signal,
    progress,
  };
  const write = (model: Model) =>
    writeVerified(
      model,
      out,
      (written) =>
        verifyCompressed(written, model, original.source, {
          ...verification,
          onUnreadable: (image) => unreadable.set(image.id, image),
        }),
      { ...form, signal },
    );
  const { result, written } = await writtenWithinFloor(adjustable, write, {
    path: original.source,
    floor,
    verification,
  });
  onFact({ kind: "written" });
  if (order !== null) onFact({ kind: "labelsByOrder", sentence: order });
  if (unreadable.size > 0) onFact({ kind: "unreadable", images: [...unreadable.values()] });
  const { model: _, notes, ...facts } = result;
  for (const sentence of [...opened.notes, ...notes]) onFact({ kind: "note", sentence });

  const { verdict: check, dataPath } = written;
  const bytes = { original: opened.bytes, compressed: written.bytes };
  const gain = gainSentence(bytes);
  if (gain !== null) onFact({ kind: "note", sentence: gain });
  if (options.report === false || images === undefined)
    return { ...facts, bytes, dataPath, chosen, check, report: null, labels };
  const report = await makeReport({
    originalPath: path,
    compressedPath: out,
    images: evaluation,
    preprocessing,
    preprocessingOrigin: chosen,
    madeBy: { command: options.command, calibration: looksAtImages(recipe) ? images.location : undefined },
    classes: classes.names,
    taskName: options.taskName,
    labels: options.labelsPath,
    labelColumn: options.labelColumn,
    compression: facts,
    seed,
    inputs: options.inputs,
    threads,
    open: options.open,
    signal,
    progress,
  });
  return { ...facts, bytes, dataPath, chosen, check, report, labels };
}

/** A file that is this share of the original gains nothing that anyone notices. */
const noGain = 0.98;

/** Null where the file is smaller. */
function gainSentence({ original, compressed }: CompressedFile["bytes"]): string | null {
  if (compressed < noGain * original) return null;
  return `There is nothing to gain: the original has ${bytesText(original)}, and the file that was written ${bytesText(compressed)}.`;
}

/** Links are followed: another name of the same file is the same file. @throws OUTPUT_IS_INPUT */
export async function assertOtherFile(out: string, original: string): Promise<void> {
  const [to, from] = await Promise.all(
    [out, original].map((path) => realpath(path).catch(() => resolve(path))),
  );
  if (to !== from) return;
  throw compressErrors.error(
    "OUTPUT_IS_INPUT",
    `${out} is the model to begin with. Choose another name: what is made of it is compared with it, and the original is not replaced.`,
    { details: { path: out } },
  );
}

function imagesNeeded() {
  return compressErrors.error(
    "IMAGES_NEEDED",
    "Activations are rounded by what they are on images: give images like those the model was trained on. " +
      "Weights of 16 bits (float16) need none.",
  );
}
