/** The passes that bring a graph into the form everything after them expects, in the order they run. */
import { foldConstants, type Pass, removeDeadCode } from "@cupel/onnx";
import { denseToGemm } from "./dense-to-gemm.ts";
import { detachParameters } from "./detach-parameters.ts";
import { foldBatchNorm } from "./fold-batch-norm.ts";
import { placeActivations } from "./place-activations.ts";
import { removeIdentity } from "./remove-identity.ts";
import { spaceToDepthStem } from "./space-to-depth-stem.ts";
import { unshareConstants } from "./unshare-constants.ts";

export const cleanPasses: readonly Pass[] = [
  detachParameters,
  foldConstants,
  removeIdentity,
  unshareConstants,
  denseToGemm,
  foldBatchNorm,
  placeActivations,
  spaceToDepthStem,
  removeDeadCode,
];
