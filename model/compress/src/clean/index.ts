/** The passes that bring a graph into the form everything after them expects, in the order they run. */
import { foldConstants, type Pass, removeDeadCode } from "@cupel/onnx";
import { closeParameters } from "./close-parameters.ts";
import { denseToGemm } from "./dense-to-gemm.ts";
import { foldBatchNorm } from "./fold-batch-norm.ts";
import { placeActivations } from "./place-activations.ts";
import { removeIdentity } from "./remove-identity.ts";
import { stemToDepth } from "./stem-to-depth.ts";
import { unshareConstants } from "./unshare-constants.ts";

export const cleanPasses: readonly Pass[] = [
  closeParameters,
  foldConstants,
  removeIdentity,
  unshareConstants,
  denseToGemm,
  foldBatchNorm,
  placeActivations,
  stemToDepth,
  removeDeadCode,
];
