export type {
  Augmentation,
  AugmentationKind,
  AugmentationStep,
  ShiftFill,
} from "./augmentation/augmentation.ts";
export { parseAugmentation, readAugmentation } from "./augmentation/read-augmentation.ts";
export { type DrawnBox, drawBoxes } from "./draw-boxes.ts";
export { type DrawnClass, drawClasses } from "./draw-classes.ts";
export { visionErrors } from "./errors.ts";
export { exportImages } from "./export-images.ts";
export type {
  EncodedImage,
  Image,
  ImageFile,
  ImageSource,
  ImageSourceKind,
  RawImage,
  SkippedFiles,
} from "./image.ts";
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
export { namedSettings, parsePreprocessing } from "./preprocessing/parse-preprocessing.ts";
export {
  type Placement,
  type Point,
  placementOf,
  type Size,
  toImage,
  toTensor,
} from "./preprocessing/placement.ts";
export {
  CHANNELS,
  type Colour,
  type Interpolation,
  type Layout,
  type Preprocessing,
  preprocessingSchema,
  type Resize,
  type TensorDims,
  tensorDims,
} from "./preprocessing/preprocessing.ts";
export { preprocessingText } from "./preprocessing/preprocessing-text.ts";
export {
  isPresetName,
  normalisationOf,
  normalisationOfType,
  PRESETS,
  type PresetName,
  preprocessingFor,
  presetOf,
} from "./preprocessing/presets.ts";
export { readPreprocessing } from "./preprocessing/read-preprocessing.ts";
export {
  areNumbersInTextOrder,
  areSameNames,
  type ClassFinder,
  classFinder,
  numberedClassFinder,
} from "./sources/class-finder.ts";
export { classNames } from "./sources/class-names.ts";
export { type ImageTable, readImageTable, readTable, type TableField } from "./sources/image-table.ts";
export { readImageTexts } from "./sources/image-texts.ts";
export { type OpenImagesOptions, openImages } from "./sources/open-images.ts";
export { skippedSentence } from "./sources/skipped-files.ts";
export { type SplitSource, split } from "./sources/split.ts";
export { sample, stratifiedOrder, subset } from "./sources/subset.ts";
export {
  type BatchesOptions,
  batches,
  type ImageBatch,
  type ImageBatches,
} from "./tensors/batches.ts";
export { type ImageSize, imageSize } from "./tensors/image-size.ts";
export { createImageReader, type ImageReader, type ImageTensor } from "./tensors/image-tensor.ts";
export { fedAxes, type ImageShape, type InputSize, imageShapeOf } from "./tensors/input-form.ts";
export { type Mask, readMask } from "./tensors/mask-image.ts";
export {
  type Corner,
  openWindows,
  type PictureWindows,
  type PictureWindowsOptions,
} from "./tensors/picture-windows.ts";
export { readYuv } from "./tensors/read-yuv.ts";
export { type UnreadableImage, unreadableClasses } from "./tensors/unreadable-images.ts";
export { type YuvImage, type YuvLayout, yuvBytes } from "./tensors/yuv.ts";
export { thumbnail } from "./thumbnail.ts";
