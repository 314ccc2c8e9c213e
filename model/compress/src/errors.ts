/** What can go wrong between a trained model and a small one. */
import { defineErrors, failures } from "@cupel/base";

export const compressErrors = defineErrors({
  RECIPE_INVALID: {
    meaning: "The recipe is not JSON, or a value in it has the wrong type or range.",
    ...failures.usage,
    public: false,
  },
  RECIPE_KEY_UNKNOWN: {
    meaning: "The recipe has a key that no step reads.",
    ...failures.usage,
    public: false,
  },
  OUTPUT_IS_INPUT: {
    meaning: "The output would replace the model it is made from, which the report compares it with.",
    ...failures.usage,
    public: false,
  },
  IMAGES_NEEDED: {
    meaning: "There are no images, and the recipe measures activations.",
    ...failures.usage,
    public: false,
  },
  TRAINING_IMAGES_NEEDED: {
    meaning: "A stage of the recipe trains, and there are no images to train with.",
    ...failures.usage,
    public: false,
  },
  EXIT_HAS_NO_PLACE: {
    meaning:
      "The model is not one that can be left early: no value inside it is all that the rest is computed from.",
    ...failures.badData,
  },
  GATES_HAVE_NO_PLACE: {
    meaning: "The model has no residual block that images could go past.",
    ...failures.badData,
  },
  LATENCY_TABLE_INVALID: {
    meaning: "The table of layer times is not one that Cupel wrote.",
    ...failures.usage,
    public: false,
  },
  LATENCY_UNKNOWN: {
    meaning: "The table of layer times has none of a layer of the model.",
    ...failures.usage,
    public: false,
  },
  NOTHING_TO_COMPRESS: { meaning: "The model has no layer with constant weights.", ...failures.badData },
  NOTHING_TO_PRUNE: {
    meaning:
      "No channel of the model can be removed: each is read in a way that needs all of them, or widths would not stay multiples.",
    ...failures.badData,
  },
  ALREADY_QUANTISED: {
    meaning: "The model holds nodes that compute with 8-bit numbers or make them, such as QLinearConv.",
    ...failures.badData,
  },
  BFLOAT16_UNSUPPORTED: {
    meaning: "The model computes in bfloat16, which the engine does not on a CPU.",
    ...failures.badData,
  },
  MODEL_IN_TRAINING: {
    meaning: "A Dropout of the model is in training mode, so that no two runs agree.",
    ...failures.badData,
  },
  CALIBRATION_FAILED: {
    meaning: "An activation was not finite, or constant zero, on every image.",
    ...failures.badData,
  },
  PACK_UNFIT: {
    meaning: "A model has too many files, or files of names that a packed model does not hold.",
    ...failures.badData,
    public: false,
  },
  PACK_INPUT_CHANGED: {
    meaning: "A file of the model changed while it was packed; nothing was written.",
    ...failures.badData,
    public: false,
  },
  PACKED_UNKNOWN: { meaning: "The file is not a packed model.", ...failures.badData, public: false },
  PACKED_TOO_NEW: {
    meaning: "The packed model was written by a newer version, in a layout that this one does not read.",
    ...failures.badData,
    public: false,
  },
  PACKED_TRUNCATED: {
    meaning: "The packed model ends before its contents do; nothing was written.",
    ...failures.badData,
    public: false,
  },
  PACKED_DAMAGED: {
    meaning:
      "What the packed model holds is not what was packed, by its digest or its layout; nothing was written.",
    ...failures.badData,
    public: false,
  },
  PACKED_TOO_LARGE: {
    meaning: "The packed model says that it holds more bytes than are allowed; nothing was written.",
    ...failures.badData,
    public: false,
  },
  UNPACK_WOULD_REPLACE: {
    meaning:
      "A file of weights of a packed model has the name of a file that is there and holds something else.",
    ...failures.usage,
    public: false,
  },
  FLOOR_MISSED: {
    meaning:
      "The compressed model answers too differently from the original; it did not get the name that was asked for.",
    http: 422,
    grpc: "FAILED_PRECONDITION",
    exit: 1,
    retryable: false,
    public: false,
  },
  BUDGET_UNREACHABLE: {
    meaning: "No setting within the recipe meets the size or accuracy asked for.",
    http: 422,
    grpc: "FAILED_PRECONDITION",
    exit: 1,
    retryable: false,
    public: true,
  },
});
