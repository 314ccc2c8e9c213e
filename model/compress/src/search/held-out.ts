/** What models answer on the images that a search judges by. */
import type { Progress, WorkOptions } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { classesOf, type Evaluation, evaluate } from "@cupel/predict";
import type { openSession } from "@cupel/runtime";
import type { ImageSource, Preprocessing } from "@cupel/vision";
import { openSource } from "../calibrate/open-tuned.ts";

export interface HeldOutOptions extends WorkOptions {
  /** Images that calibration has not seen. */
  readonly heldOut: ImageSource;
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  readonly open?: typeof openSession | undefined;
}

export type EvaluateHeldOut = (model: Model, shown?: Progress) => Promise<Evaluation>;

/** @param named a model whose class names count for all */
export function onHeldOut(named: Model, options: HeldOutOptions): EvaluateHeldOut {
  const { heldOut, preprocessing, threads, open, signal } = options;
  const classes = classesOf(named).names;
  return async (model, progress) => {
    await using readable = await openSource(() => model);
    const work = { classes, threads, memoryPattern: false, open, signal, progress };
    return await evaluate(readable.source, heldOut, preprocessing, work);
  };
}
