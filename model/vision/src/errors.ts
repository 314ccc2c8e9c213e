/** The failures of reading images, their labels, and the preprocessing that turns them into tensors. */
import { defineErrors, failures } from "@cupel/base";

export const visionErrors = defineErrors({
  IMAGE_SOURCE_UNKNOWN: {
    meaning: "The path is missing or is not a recognised source of images.",
    ...failures.noInput,
  },
  IMAGE_SOURCE_DAMAGED: {
    meaning: "A packed or tabular file of images or labels is truncated or contradicts its own header.",
    ...failures.badRequest,
    public: false,
  },
  IMAGE_SOURCE_TOO_LARGE: {
    meaning: "A packed file of images holds more than is unpacked or counted.",
    ...failures.badRequest,
    public: false,
  },
  IMAGES_NONE: { meaning: "The source of images was recognised but holds no image.", ...failures.noInput },
  IMAGES_UNREADABLE: {
    meaning: "An image cannot be decoded and none may be skipped, or every image of a source is so.",
    ...failures.badData,
    public: false,
  },
  LABEL_FILE_MISSING: {
    meaning: "A file of labels or class names is missing or cannot be opened.",
    ...failures.noInput,
  },
  LABELS_MISMATCH: {
    meaning: "The labels do not fit the images or the class names.",
    ...failures.badRequest,
    public: false,
  },
  LABEL_TOO_LARGE: {
    meaning: "A label is a number beyond the classes that any model is taken to have.",
    ...failures.badRequest,
    public: false,
  },
  SELECTION_INVALID: {
    meaning: "An image index, count, fraction or batch size is out of range.",
    ...failures.usage,
  },
  PREPROCESSING_INVALID: {
    meaning: "The description of a model's preprocessing is malformed or contradicts itself.",
    ...failures.badRequest,
  },
  AUGMENTATION_INVALID: {
    meaning: "The description of an augmentation is malformed or contradicts itself.",
    ...failures.badRequest,
  },
  LOADER_CLOSED: { meaning: "The loader was closed before or during the call.", ...failures.unavailable },
});
