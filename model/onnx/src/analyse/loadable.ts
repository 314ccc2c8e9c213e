/**
 * What is asked of a model before the engine gets it: the engine itself crashes on some of what breaks the rules, and
 * takes all memory for some of what keeps them.
 */
import { CupelError } from "@cupel/base";
import type { Model } from "../graph/index.ts";
import { propagate } from "../infer/propagate.ts";
import { checkModel } from "./check.ts";
import { assertFoldable } from "./folding-estimate.ts";

/**
 * The model keeps the rules of `checkModel`; no tensor has a size that is none; and what the engine computes ahead when
 * it loads the model stays within a limit. Shapes that do not go together are left to the engine, which names them too.
 * @throws MODEL_INVALID, LOADING_TOO_LARGE
 */
export function assertLoadable(model: Model): void {
  checkModel(model);
  assertSizes(model);
  assertFoldable(model);
}

function assertSizes(model: Model): void {
  try {
    propagate(model, { elementLimit: 1024, trustDefaults: true, unpacks: false });
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || thrown.code !== "SHAPE_CONFLICT") throw thrown;
  }
}
