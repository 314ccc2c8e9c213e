/** The failures of making a training graph and of training with it. */
import { defineErrors, failures } from "@cupel/base";

export const trainErrors = defineErrors({
  GRADIENT_UNSUPPORTED: {
    meaning:
      "An operator between the loss and a trained parameter has no gradient rule, or not in this form.",
    ...failures.unsupported,
  },
  GRADIENT_UNREACHABLE: {
    meaning: "The loss does not depend on a value whose gradient was asked for, or is no scalar.",
    ...failures.badData,
  },
  TRAINING_CONFIG_INVALID: {
    meaning: "A training option is missing, misspelt or out of range.",
    ...failures.usage,
    public: false,
  },
  LOSS_NOT_FINITE: {
    meaning: "The loss became NaN or infinite; the last good checkpoint is kept.",
    ...failures.defect,
  },
  CHECKPOINT_INVALID: {
    meaning: "A checkpoint is damaged, or belongs to another model, data set or configuration.",
    ...failures.badData,
    public: false,
  },
});
