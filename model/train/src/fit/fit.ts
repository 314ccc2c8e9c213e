/**
 * Training from images to a model: epochs of batches made ahead of the step, validation of the exported model,
 * the best epoch kept, and a checkpoint from which an interrupted training is resumed to the same weights.
 *
 * The same bits need the same number of engine threads: order and draws follow from the seed, and the engine
 * adds in an order that follows from its threads.
 */
import { existsSync } from "node:fs";
import { assertWritable, lockFile, silentProgress } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { writeMetadata } from "@cupel/predict";
import { type Loader, openLoader, split, tensorDims } from "@cupel/vision";
import { trainErrors } from "../errors.ts";
import { openParallelTrainer } from "../trainer/parallel-trainer.ts";
import { openTrainer } from "../trainer/trainer.ts";
import { checkData, type FitImages } from "./check-data.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { explainFailure } from "./explain-failure.ts";
import type { FitOptions, FitResult } from "./fit-options.ts";
import { historyTableIn } from "./history-files.ts";
import { checkSchedule } from "./schedule.ts";
import { trainingIdentity } from "./training-identity.ts";
import { TrainingRun } from "./training-run.ts";

/**
 * @throws TRAINING_CONFIG_INVALID; those of `checkData`, `openLoader` and `compileStep`; CHECKPOINT_INVALID;
 * WRITE_FAILED before the first step where the checkpoint cannot be written, FILE_LOCKED where another training writes it; LOSS_NOT_FINITE, with the last good checkpoint as it was; DISK_FULL and WRITE_FAILED at a checkpoint;
 * IMAGES_UNREADABLE; CANCELLED, after a last checkpoint
 */
export async function fit(network: Model, options: FitOptions): Promise<FitResult> {
  const { preprocessing, augmentation, batch, checkpoint, signal, seed = 1, replicas = 1 } = options;
  const table = options.history === undefined ? null : historyTableIn(options.history);
  checkOptions(options);
  await assertWritable([...(checkpoint ? [checkpoint.path] : []), ...(table ? [table] : [])]);
  await using lock = checkpoint ? await lockFile(checkpoint.path, "training") : null;
  await using tableLock = table ? await lockFile(table, "training") : null;
  checkCheckpoint(checkpoint);
  const { remarks, ...images } = imagesOf(options, seed);
  const { input, train, validation, labels, notes } = checkData(network, images, preprocessing);
  await using loader = openLoader(train, preprocessing, {
    ...options.loader,
    batchSize: batch,
    seed,
    augmentation,
    signal,
  });
  const [, ...imageDims] = tensorDims(preprocessing, 1);
  const total = options.epochs * loader.batchesPerEpoch;
  checkSchedule(options.schedule, total);
  await using trainer =
    replicas > 1
      ? await openParallelTrainer(network, { ...options, imageDims, replicas })
      : await openTrainer(network, { ...options, imageDims });
  const { state } = trainer.compiled;
  const identity = trainingIdentity({
    network,
    train,
    validation,
    settings: {
      seed,
      batch,
      replicas,
      preprocessing,
      augmentation,
      loss: options.loss,
      optimiser: options.optimiser,
      "gradient norm": options.clipNorm,
      statistics: options.statistics,
      precision: options.precision,
      "loss scaling": options.lossScaling,
      "what is trained": state.map(({ name }) => name),
    },
  });
  const found = checkpoint
    ? await readCheckpoint(checkpoint.path, state, identity, loader.batchesPerEpoch)
    : null;
  const allNotes = [
    ...[lock?.remark, tableLock?.remark].filter((remark) => typeof remark === "string"),
    ...notes,
    ...leftOutNotes(loader, train.length, batch),
    ...sizeNotes(network, imageDims),
    ...trainer.compiled.notes,
    ...(found?.remark ? [found.remark] : []),
    ...remarks,
  ];
  for (const note of allNotes) options.onNote?.(note);
  const run = new TrainingRun({ options, lock, trainer, loader, validation, input, total, identity });
  if (found) await run.restore(found);
  using task = (options.progress ?? silentProgress).start("Training", total - trainer.steps, "steps");
  try {
    while (!run.isOver) {
      await run.trainEpoch(task);
      await run.finishEpoch();
    }
    await run.writeCheckpoint();
  } catch (thrown) {
    throw await explainFailure(thrown, run, options);
  }
  const { model, epoch } = await run.result();
  writeMetadata(model, { preprocessing, classes: train.classes });
  model.producerName = "cupel";
  return {
    model,
    history: run.history,
    epoch,
    stopped: run.history.length < options.epochs ? "early" : "done",
    parameters: trainer.compiled.counts,
    labels,
    notes: allNotes,
    unreadable: run.unreadable,
  };
}

/** A network whose images may have any size is compiled for one; what is written may have any again. */
function sizeNotes({ graph }: Model, imageDims: readonly number[]): readonly string[] {
  const sizes = graph.inputs.find(({ constant }) => !constant)?.shape?.slice(1) ?? [];
  if (sizes.length !== imageDims.length || sizes.every((size) => typeof size === "number")) return [];
  return [
    `The network leaves the size of its images open: it is trained at [${imageDims.join(", ")}], as the preprocessing makes them.`,
  ];
}

/** A step takes whole batches only. */
function leftOutNotes({ leftOut }: Loader, images: number, batch: number): readonly string[] {
  if (leftOut === 0) return [];
  const [left, change] =
    leftOut === 1 ? ["1 image", "which one changes"] : [`${leftOut} images`, "which ones changes"];
  return [
    `Each epoch leaves out ${left} of the ${images} to train with, because they fill no batch of ${batch}; ${change} from epoch to epoch.`,
  ];
}

function imagesOf(
  { train, validation }: FitOptions,
  seed: number,
): FitImages & { readonly remarks: readonly string[] } {
  if (typeof validation !== "number") return { train, validation: validation ?? null, remarks: [] };
  const { rest, heldOut, remarks } = split(train, validation, seed);
  return { train: rest, validation: heldOut, remarks };
}

/** What only fit knows of; its parts check the rest. */
function checkOptions({ epochs, validation, patience, replicas, checkpoint }: FitOptions): void {
  const isCount = (value: number | undefined) =>
    value === undefined || (Number.isSafeInteger(value) && value >= 1);
  const counts = { epochs, patience, replicas, everySteps: checkpoint?.everySteps };
  for (const [name, value] of Object.entries(counts)) {
    if (!isCount(value)) throw invalid(`"${name}" must be a whole number of at least 1; it is ${value}`);
  }
  if (patience !== undefined && validation === undefined) {
    throw invalid(`"patience" needs validation, which tells whether an epoch is better`);
  }
}

/** Under its lock: one that another training has just made is that training's. */
function checkCheckpoint(checkpoint: FitOptions["checkpoint"]): void {
  if (checkpoint && !checkpoint.resume && existsSync(checkpoint.path)) {
    throw invalid(
      `${checkpoint.path} is there already, of a training that may not be over: resume it, remove it or choose another path`,
    );
  }
}

function invalid(problem: string) {
  return trainErrors.error("TRAINING_CONFIG_INVALID", `The training cannot begin: ${problem}.`);
}
