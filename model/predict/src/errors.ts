/** What can go wrong when a model is fed images and its output is read. */
import { defineErrors } from "@cupel/base";

const badInput = { http: 422, grpc: "INVALID_ARGUMENT", exit: 65 } as const;

export const predictErrors = defineErrors({
  INPUT_UNSUPPORTED: {
    meaning: "The model has not one image input of rank 4 and one row of class scores an image.",
    ...badInput,
  },
  LABEL_OUT_OF_RANGE: { meaning: "An image's label is no class of the model.", ...badInput },
});
