/**
 * What a checkpoint says of its training, as JSON beside the tensors. Its SHA-256 tells only that the file is whole, not
 * who wrote it: each field is looked at, and they must agree with each other. No I/O.
 */
import { own } from "@cupel/base";
import type { EpochInHand } from "./checkpoint.ts";
import type { EpochMetrics } from "./history.ts";
import type { TrainingIdentity } from "./training-identity.ts";

export interface SavedTraining {
  readonly identity: TrainingIdentity;
  readonly steps: number;
  readonly inHand: EpochInHand;
  readonly history: readonly EpochMetrics[];
}

export interface ReadTraining extends SavedTraining {
  /** An earlier version wrote it, in other words. */
  readonly isFormer: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws Error that completes "the checkpoint ..." where it says no training */
export function parseSavedTraining(text: string | undefined): ReadTraining {
  if (typeof text !== "string") throw new Error("says nothing of its training");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error("says of its training what is no JSON", { cause });
  }
  const fields = fieldsOf(value, "its training");
  const { words, isFormer } = identityOf(fieldsOf(fields.identity, "the settings"));
  const inHand = inHandOf(fieldsOf(fields.inHand, "the current epoch"));
  const { history } = fields;
  if (!Array.isArray(history) || history.length !== inHand.epoch) {
    throw new Error(`is in its epoch ${inHand.epoch + 1}, and has the metrics of others`);
  }
  return {
    identity: words,
    steps: count(fields, "steps"),
    inHand,
    history: history.map((each: unknown, i) => metricsOf(fieldsOf(each, `epoch ${i + 1}`), i + 1)),
    isFormer,
  };
}

/** @throws Error likewise, where another number of steps was done than its epochs have */
export function checkSteps({ steps, inHand }: SavedTraining, batchesPerEpoch: number): void {
  const { epoch, batches } = inHand;
  if (batches <= batchesPerEpoch && steps === epoch * batchesPerEpoch + batches) return;
  throw new Error(
    `says ${steps} steps, of which ${batches} are in its epoch ${epoch + 1}, and an epoch has ${batchesPerEpoch}`,
  );
}

/** Before images had this name. */
const formerWord = "pictures";

function identityOf(fields: Fields) {
  const isFormer = Object.hasOwn(fields, `training ${formerWord}`);
  const words = Object.entries(fields).map(([name, value]): [string, string] => {
    if (typeof value !== "string") throw new Error(`says of "${name}" what is no text`);
    const isOfImages = isFormer && name.endsWith(` ${formerWord}`);
    return isOfImages
      ? [name.replace(formerWord, "images"), value.replace(formerWord, "images")]
      : [name, value];
  });
  return { words: Object.fromEntries(words), isFormer };
}

function inHandOf(fields: Fields): EpochInHand {
  const inHand = {
    epoch: count(fields, "epoch"),
    batches: count(fields, "batches"),
    skipped: count(fields, "skipped"),
    lossSum: finite(fields, "lossSum"),
    correct: count(fields, "correct"),
    seconds: finite(fields, "seconds"),
  };
  if (inHand.skipped <= inHand.batches) return inHand;
  throw new Error(`skipped ${inHand.skipped} batches of ${inHand.batches}`);
}

function metricsOf(fields: Fields, epoch: number): EpochMetrics {
  if (fields.epoch !== epoch) throw new Error(`says of epoch ${epoch} that it is another`);
  return {
    epoch,
    loss: number(fields, "loss"),
    accuracy: number(fields, "accuracy"),
    skipped: count(fields, "skipped"),
    validationLoss: fields.validationLoss === null ? null : number(fields, "validationLoss"),
    validationAccuracy: fields.validationAccuracy === null ? null : number(fields, "validationAccuracy"),
    learningRate: number(fields, Object.hasOwn(fields, "rate") ? "rate" : "learningRate"),
    imagesPerSecond: number(fields, "imagesPerSecond"),
    seconds: number(fields, "seconds"),
  };
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.assign(Object.create(null), value);
  }
  throw new Error(`says nothing of use about ${what}`);
}

function count(fields: Fields, name: string): number {
  const value = own(fields, name);
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`says of "${name}" what is no whole number from 0`);
}

function finite(fields: Fields, name: string): number {
  const value = number(fields, name);
  if (Number.isFinite(value)) return value;
  throw new Error(`says of "${name}" what is no number`);
}

/** What JSON writes for a number that is not finite is null. */
function number(fields: Fields, name: string): number {
  const value = own(fields, name);
  if (value === null) return Number.NaN;
  if (typeof value === "number") return value;
  throw new Error(`says of "${name}" what is no number`);
}
