/** Brings the graph into the form that everything after expects and that fuses. */
import { type Pass, removeDeadCode, runPasses } from "@cupel/onnx";
import { denseToGemm } from "../clean/dense-to-gemm.ts";
import { foldBatchNorm } from "../clean/fold-batch-norm.ts";
import { meanToPool } from "../clean/mean-to-pool.ts";
import { mergeBranches } from "../clean/merge-branches.ts";
import { placeActivations } from "../clean/place-activations.ts";
import { plainPadding } from "../clean/plain-padding.ts";
import { removeIdentity } from "../clean/remove-identity.ts";
import { spaceToDepthStem } from "../clean/space-to-depth-stem.ts";
import { unshareConstants } from "../clean/unshare-constants.ts";
import { defineStage, edited, type Stage } from "./stage.ts";

/** In the order they run. */
export const cleanPasses: readonly Pass[] = [
  removeIdentity,
  unshareConstants,
  denseToGemm,
  plainPadding,
  meanToPool,
  foldBatchNorm,
  mergeBranches,
  placeActivations,
  spaceToDepthStem,
  removeDeadCode,
];

export const cleanStage: Stage<"clean", Record<never, never>> = defineStage({
  name: "clean",
  options: {},
  requires: [],
  run: async (state) => edited(state, (model) => runPasses(model, cleanPasses)),
});
