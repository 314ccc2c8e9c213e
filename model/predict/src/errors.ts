/** What can go wrong when a model is fed images and its outputs are read. */
import { defineErrors, failures } from "@cupel/base";

export const predictErrors = defineErrors({
  INPUT_UNSUPPORTED: {
    meaning:
      "No input of the model takes images, its type does not hold them, or nothing feeds another input.",
    ...failures.badData,
  },
  OUTPUT_UNSUPPORTED: {
    meaning: "The model's outputs are not what its task needs.",
    ...failures.badData,
  },
  TASK_UNKNOWN: {
    meaning: "The model's metadata names a task that this version does not know.",
    ...failures.unsupported,
  },
  ACCURACY_AT_CHANCE: {
    meaning: "On labelled images the model is right no more often than by always naming the largest class.",
    ...failures.badData,
  },
  WRITTEN_FILE_FAILS: {
    meaning:
      "A model was written that the engine cannot open or run; it did not get the name that was asked for.",
    ...failures.defect,
  },
  WRITTEN_FILE_DIFFERS: {
    meaning:
      "A model was written whose answers are not those of the model in memory; it did not get the name that was asked for.",
    ...failures.defect,
  },
  METADATA_TOO_LARGE: {
    meaning: "The model's metadata asks for images larger than the limit.",
    ...failures.badData,
  },
  METADATA_INVALID: {
    meaning: "An entry of the model's metadata is malformed.",
    ...failures.badRequest,
  },
});
