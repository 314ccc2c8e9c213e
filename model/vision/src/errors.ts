/** The failures of reading images, their labels, and the preprocessing that turns them into tensors. */
import { defineErrors } from "@cupel/base";

export const visionErrors = defineErrors({
  IMAGE_SOURCE_UNKNOWN: {
    meaning: "The path is missing or is not a recognised source of images.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 66,
  },
  IMAGE_SOURCE_DAMAGED: {
    meaning: "A packed or tabular file of images or labels is truncated or contradicts its own header.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  IMAGES_NONE: {
    meaning: "The source of images was recognised but holds no image.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 66,
  },
  IMAGES_UNREADABLE: {
    meaning: "An image cannot be decoded and none may be skipped, or every image of a source is so.",
    http: 422,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  LABELS_MISMATCH: {
    meaning: "The labels do not fit the images or the class names.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  SELECTION_INVALID: {
    meaning: "An image index, count, fraction or batch size is out of range.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 64,
  },
  PREPROCESSING_INVALID: {
    meaning: "The description of a model's preprocessing is malformed or contradicts itself.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  AUGMENTATION_INVALID: {
    meaning: "The description of an augmentation is malformed or contradicts itself.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  LOADER_CLOSED: {
    meaning: "The loader was closed before or during the call.",
    http: 503,
    grpc: "UNAVAILABLE",
    exit: 70,
  },
  LOADER_CRASHED: {
    meaning: "A thread that decodes images for a loader ended by itself.",
    http: 500,
    grpc: "INTERNAL",
    exit: 70,
  },
});
