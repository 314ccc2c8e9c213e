/** What can go wrong when a model is fed images and its output is read. */
import { defineErrors, failures } from "@cupel/base";

export const predictErrors = defineErrors({
  INPUT_UNSUPPORTED: {
    meaning: "The model has not one image input of rank 4 and one row of class scores an image.",
    ...failures.badData,
  },
  METADATA_INVALID: {
    meaning: "An entry of the model's metadata is malformed.",
    ...failures.badRequest,
  },
  LABEL_OUT_OF_RANGE: {
    meaning: "An image's label is no class of the model.",
    ...failures.badData,
    public: false,
  },
});
