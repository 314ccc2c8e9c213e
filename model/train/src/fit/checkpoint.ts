/**
 * A checkpoint: everything that is needed to resume a training. One file, written atomically: the previous
 * checkpoint stays until the next is on the disk.
 */

import { own, readRegular, reasonOf, setOwn, writeFileAtomically } from "@cupel/base";
import { trainErrors } from "../errors.ts";
import type { StateTensor } from "../step/state-table.ts";
import type { TrainerState } from "../trainer/trainer.ts";
import type { EpochMetrics } from "./history.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "./safetensors.ts";
import { checkSteps, parseSavedTraining, type SavedTraining } from "./saved-training.ts";
import { differenceOf, type TrainingIdentity } from "./training-identity.ts";

/** Tensors by name, in the order and the dims of the step. */
export type StateValues = TrainerState["values"];

/** The current epoch. */
export interface EpochInHand {
  /** From 0. */
  readonly epoch: number;
  /** Batches of it that are done. */
  readonly batches: number;
  /** Of those, how many were skipped in mixed precision: they count in no mean. */
  readonly skipped: number;
  /** Over the others. */
  readonly lossSum: number;
  readonly correct: number;
  readonly seconds: number;
}

export interface Checkpoint {
  readonly state: TrainerState;
  readonly inHand: EpochInHand;
  readonly history: readonly EpochMetrics[];
  /** Parameters and statistics of the best epoch; null while there is none. */
  readonly best: StateValues | null;
}

/** Goes up when what a checkpoint holds, or how a step lays out its tensors, changes. */
const format = "1";
const formatKey = "cupel.checkpoint";
const trainingKey = "cupel.training";

/** @throws DISK_FULL, WRITE_FAILED; the file of before is then untouched */
export async function writeCheckpoint(
  path: string,
  { state, inHand, history, best }: Checkpoint,
  layout: readonly StateTensor[],
  identity: TrainingIdentity,
): Promise<void> {
  const saved: SavedTraining = { identity, steps: state.steps, inHand, history };
  const dims = new Map(layout.map((tensor) => [tensor.name, tensor.dims]));
  const tensors: Record<string, StoredTensor> = {};
  for (const [group, values] of Object.entries({ state: state.values, best: best ?? {} })) {
    for (const [name, data] of Object.entries(values)) {
      setOwn(tensors, `${group}/${name}`, { dims: dims.get(name)!, data });
    }
  }
  const metadata = { [formatKey]: format, [trainingKey]: JSON.stringify(saved) };
  await writeFileAtomically(path, encodeSafetensors({ metadata, tensors }));
}

export interface FoundCheckpoint extends Checkpoint {
  /** A sentence when an earlier version wrote the file; else null. */
  readonly remark: string | null;
}

/**
 * Null when there is no file of that name.
 * @throws CHECKPOINT_INVALID when it is damaged, or of another training: the message says what differs
 */
export async function readCheckpoint(
  path: string,
  layout: readonly StateTensor[],
  identity: TrainingIdentity,
  batchesPerEpoch: number,
): Promise<FoundCheckpoint | null> {
  const file = await readRegular(path).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === "ENOENT") return null;
    throw invalid(path, `cannot be read: ${reasonOf(thrown)}`, thrown);
  });
  if (file === null) return null;
  const { metadata, tensors } = decoded(path, file);
  if (metadata[formatKey] !== format) {
    throw invalid(path, `has the format ${metadata[formatKey] ?? "of something else"}, not ${format}`);
  }
  const saved = told(path, () => parseSavedTraining(metadata[trainingKey]));
  const difference = differenceOf(saved.identity, identity);
  if (difference !== null) throw invalid(path, `belongs to another training: ${difference}`);
  told(path, () => checkSteps(saved, batchesPerEpoch));
  const groups = { state: {}, best: {} } as Record<"state" | "best", Record<string, Float32Array>>;
  for (const tensor of layout) {
    for (const group of ["state", "best"] as const) {
      const stored = own(tensors, `${group}/${tensor.name}`);
      if (stored === undefined && group === "best") continue;
      if (stored === undefined || stored.dims.join() !== tensor.dims.join()) {
        throw invalid(path, `does not hold "${tensor.name}" of the shape [${tensor.dims}]`);
      }
      setOwn(groups[group], tensor.name, stored.data);
    }
  }
  return {
    state: { steps: saved.steps, values: groups.state },
    inHand: saved.inHand,
    history: saved.history,
    best: Object.keys(groups.best).length > 0 ? groups.best : null,
    remark: saved.isFormer
      ? `The checkpoint ${path} is of an earlier version; it is resumed, and the next one is written in the present form.`
      : null,
  };
}

function told<Result>(path: string, read: () => Result): Result {
  try {
    return read();
  } catch (thrown) {
    throw invalid(path, reasonOf(thrown), thrown);
  }
}

function decoded(path: string, file: Uint8Array<ArrayBuffer>) {
  try {
    return decodeSafetensors(file);
  } catch (thrown) {
    throw invalid(path, `is damaged: ${reasonOf(thrown)}`, thrown);
  }
}

function invalid(path: string, problem: string, cause?: unknown) {
  return trainErrors.error(
    "CHECKPOINT_INVALID",
    `The checkpoint ${path} ${problem}. Resume with the settings it was made with, or start a new training with another path.`,
    { cause, details: { path } },
  );
}
