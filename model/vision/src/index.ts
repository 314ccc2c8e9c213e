export type {
  Augmentation,
  AugmentationKind,
  AugmentationStep,
  ShiftFill,
} from "./augmentation/augmentation.ts";
export { parseAugmentation, readAugmentation } from "./augmentation/read-augmentation.ts";
export { visionErrors } from "./errors.ts";
export { exportPictures } from "./export-pictures.ts";
export { INSPECTION_CLASSES } from "./inspection/defects.ts";
export {
  type SyntheticInspectionOptions,
  syntheticInspection,
} from "./inspection/synthetic-inspection.ts";
export {
  type EpochOptions,
  type Loader,
  type LoaderOptions,
  openLoader,
  type TrainingBatch,
} from "./loader/open-loader.ts";
export type {
  EncodedPicture,
  Picture,
  PictureFile,
  PictureSource,
  PictureSourceKind,
  RawPicture,
} from "./picture.ts";
export {
  LABELS_KEY,
  labelsFromMetadata,
  labelsToMetadata,
  PREPROCESSING_KEY,
  preprocessingFromMetadata,
  preprocessingToMetadata,
} from "./preprocessing/metadata.ts";
export { parsePreprocessing } from "./preprocessing/parse-preprocessing.ts";
export {
  CHANNELS,
  type Colour,
  type Interpolation,
  type Layout,
  type Preprocessing,
  type Resize,
  type TensorDims,
  tensorDims,
} from "./preprocessing/preprocessing.ts";
export { PRESETS, type PresetName, preprocessingFor } from "./preprocessing/presets.ts";
export { readPreprocessing } from "./preprocessing/read-preprocessing.ts";
export { type OpenPicturesOptions, openPictures } from "./sources/open-pictures.ts";
export { type SplitSource, sample, split, subset } from "./sources/subset.ts";
export {
  type BatchesOptions,
  batches,
  type PictureBatch,
  type PictureBatches,
} from "./tensors/batches.ts";
export type { BrokenPicture } from "./tensors/broken-pictures.ts";
export { createPictureReader, type PictureReader, type PictureTensor } from "./tensors/picture-tensor.ts";
export { thumbnail } from "./thumbnail.ts";
