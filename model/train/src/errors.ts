/** The failures of making a training graph and of training with it. */
import { defineErrors } from "@cupel/base";

export const trainErrors = defineErrors({
  GRADIENT_UNSUPPORTED: {
    meaning:
      "An operator between the loss and a trained parameter has no gradient rule, or not in this form.",
    http: 422,
    grpc: "UNIMPLEMENTED",
    exit: 65,
  },
  GRADIENT_UNREACHABLE: {
    meaning: "The loss does not depend on a value whose gradient was asked for, or is no scalar.",
    http: 422,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  SHAPE_NOT_STATIC: {
    meaning:
      "A training graph needs every size as a number; a value of the model has a symbolic or unknown one.",
    http: 422,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  TRAINING_CONFIG_INVALID: {
    meaning: "A training option is missing, misspelt or out of range.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 64,
  },
  CLASSES_MISMATCH: {
    meaning: "The data set and the model do not have the same number of classes.",
    http: 422,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  LOSS_NOT_FINITE: {
    meaning: "The loss became NaN or infinite; the last good checkpoint is kept.",
    http: 500,
    grpc: "INTERNAL",
    exit: 70,
  },
  CHECKPOINT_INVALID: {
    meaning: "A checkpoint is damaged, or belongs to another model, data set or configuration.",
    http: 422,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  WORKER_FAILED: {
    meaning: "A worker thread of the training ended unexpectedly.",
    http: 500,
    grpc: "INTERNAL",
    exit: 70,
  },
});
