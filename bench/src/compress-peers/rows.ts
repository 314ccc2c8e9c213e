/** Who takes part: a row each. To add one of Cupel's: a line with its recipe. */
import { defaultRecipe, parseRecipe, type Recipe } from "@cupel/compress";
import type { PeerName } from "../peer/compress-further.ts";

/** Top-1, as a fraction, that whatever searches may lose on the images it chooses by. */
const maxDrop = 0.007;

interface Row {
  readonly by: string;
  /** Whether it trains: it is then given the images for that, and made once for each seed. */
  readonly trains: boolean;
}

export interface CupelRow extends Row {
  /** @param epochs that everybody trains for */
  recipe(epochs: number): Recipe;
}

export interface PeerRow extends Row {
  readonly peer: PeerName;
  readonly options: Readonly<Record<string, string | number>>;
}

export const cupelRows: readonly CupelRow[] = [
  { by: "Cupel INT8", trains: false, recipe: () => defaultRecipe(8) },
  { by: "Cupel mixed", trains: false, recipe: () => defaultRecipe("mixed", { maxDrop }) },
  { by: "Cupel 4 bits, gptq", trains: false, recipe: () => further(4) },
  { by: "Cupel pruned to 70 %, 4 bits", trains: false, recipe: () => further(4, { keep: 0.7 }) },
  {
    by: "Cupel pruned to 70 %, trained, 4 bits",
    trains: true,
    recipe: (epochs) => further(4, { keep: 0.7, fineTune: { epochs } }),
  },
  {
    by: "Cupel pruned to 53 %, trained, 3 bits",
    trains: true,
    recipe: (epochs) => further(3, { keep: 0.53, fineTune: { epochs } }),
  },
  { by: "Cupel QAT, 4 bits", trains: true, recipe: (epochs) => further(4, null, { epochs }) },
  { by: "Cupel QAT, 3 bits", trains: true, recipe: (epochs) => further(3, null, { epochs }) },
];

/** Weights rounded by what their layers multiply; pruned before, or trained as they are rounded after. */
function further(bits: 3 | 4, prune: object | null = null, retrain: object | null = null): Recipe {
  const stages = [
    { stage: "clean" },
    ...(prune ? [{ stage: "prune", ...prune }] : []),
    { stage: "equalise", when: "helps" },
    { stage: "calibrate" },
    { stage: "quantise", bits, rounding: "gptq" },
    ...(retrain ? [{ stage: "retrain", augmentation: "flip,crop=4", ...retrain }] : []),
  ];
  return parseRecipe({ stages }, "a row of compress-peers");
}

/** ONNX Runtime's methods but MinMax keep all activations in memory. */
const images = 256;

export const peerRows: readonly PeerRow[] = [
  ...(["MinMax", "Entropy", "Percentile"] as const).map((method) => ({
    by: `ONNX Runtime ${method}`,
    trains: false,
    peer: "onnxruntime" as const,
    options: { method, images },
  })),
  { by: "NNCF", trains: false, peer: "nncf", options: {} },
  { by: "NNCF accuracy control", trains: false, peer: "nncf-accuracy", options: { maxDrop } },
  { by: "PyTorch QAT", trains: true, peer: "torch", options: { keep: 1 } },
  { by: "torch-pruning 85 %, QAT", trains: true, peer: "torch", options: { keep: 0.85 } },
  { by: "torch-pruning 70 %, QAT", trains: true, peer: "torch", options: { keep: 0.7 } },
];
