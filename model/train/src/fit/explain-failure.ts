/** Adds to a failure where the last checkpoint is and what to do with it. */
import { existsSync } from "node:fs";
import { baseErrors, CupelError } from "@cupel/base";
import { trainErrors } from "../errors.ts";
import type { FitOptions } from "./fit-options.ts";
import type { TrainingRun } from "./training-run.ts";

/** A cancelled run is saved first. @returns what is to be thrown */
export async function explainFailure(
  thrown: unknown,
  run: TrainingRun,
  { checkpoint, signal }: FitOptions,
): Promise<unknown> {
  if (!(thrown instanceof CupelError)) return thrown;
  const { details, cause } = thrown;
  if (thrown.code === "CANCELLED" && signal?.aborted) {
    if (checkpoint) {
      await run.prepareCheckpoint();
      await run.writeCheckpoint();
    }
    const advice = checkpoint
      ? `${checkpoint.path} holds it: continue with resume.`
      : "Nothing was written: without a checkpoint it cannot be resumed.";
    const message = `Training was cancelled after step ${run.steps}. ${advice}`;
    return baseErrors.error("CANCELLED", message, { cause, details });
  }
  if (thrown.code === "LOSS_NOT_FINITE") {
    const path = checkpoint && existsSync(checkpoint.path) ? checkpoint.path : null;
    const advice = path
      ? `The last good checkpoint is ${path}: resume from it with a lower learning rate.`
      : "There is no checkpoint to resume from: start again with a lower learning rate.";
    return trainErrors.error("LOSS_NOT_FINITE", `${thrown.message} ${advice}`, {
      cause,
      details: { ...details, checkpoint: path },
    });
  }
  return thrown;
}
