/** What can go wrong between a trained model and a small one. */
import { defineErrors } from "@cupel/base";

const badInput = { http: 422, grpc: "INVALID_ARGUMENT", exit: 65 } as const;
const badUsage = { http: 400, grpc: "INVALID_ARGUMENT", exit: 64 } as const;

export const compressErrors = defineErrors({
  RECIPE_INVALID: {
    meaning: "The recipe is not JSON, or a value in it has the wrong type or range.",
    ...badUsage,
  },
  RECIPE_KEY_UNKNOWN: { meaning: "The recipe has a key that no step reads.", ...badUsage },
  NOTHING_TO_COMPRESS: { meaning: "The model has no layer with constant weights.", ...badInput },
  ALREADY_QUANTISED: { meaning: "The model holds QuantizeLinear or DequantizeLinear nodes.", ...badInput },
  CALIBRATION_FAILED: {
    meaning: "An activation was not finite, or constant zero, on every image.",
    ...badInput,
  },
  BUDGET_UNREACHABLE: {
    meaning: "No setting within the recipe meets the size or accuracy asked for.",
    http: 422,
    grpc: "FAILED_PRECONDITION",
    exit: 1,
  },
});
