/** Predictions as JSON, as lines of a table and as lines of CSV, whatever the task: a row a task. Pure but for the model. */
import type { ImagePrediction, KnownPredictor, PredictOptions, TaskName } from "@cupel/predict";
import type { Image, ImageSource } from "@cupel/vision";
import { boxForms } from "./box-forms.ts";
import { classForms } from "./class-forms.ts";
import { featureForms } from "./feature-forms.ts";
import { mapForms } from "./map-forms.ts";
import { setForms } from "./set-forms.ts";
import { textForms } from "./text-forms.ts";

export interface FormsOptions {
  readonly images: ImageSource;
  /** Names in the order of the model's classes. */
  readonly classes: readonly string[] | null;
  /** Classes to tell of each image, where a task ranks them. */
  readonly top: number;
}

export interface FormHeaders {
  /** First lines; both forms have one. */
  readonly tableHeader: string;
  readonly csvHeader: string;
}

export interface PredictionForms<Prediction> extends FormHeaders {
  of(prediction: ImagePrediction<Prediction>): Omit<PredictedImage, "index">;
}

export interface PredictedImage {
  readonly json: Readonly<Record<string, unknown>>;
  row(): string;
  /** Several lines where a prediction has several parts; empty where it has none. */
  csv(): string;
  /** The image with what was seen in it, as PNG; absent where nothing of the task can be drawn. @throws IMAGES_UNREADABLE */
  drawn?(image: Image): Promise<Uint8Array>;
  /** Of the image in its source. */
  readonly index: number;
}

export interface ToldPredictions extends FormHeaders {
  predict(images: ImageSource, options: PredictOptions): AsyncIterable<PredictedImage>;
}

const rows: {
  readonly [Name in TaskName]: (predictor: KnownPredictor<Name>, options: FormsOptions) => ToldPredictions;
} = {
  sequence: (predictor, options) => told(predictor, textForms(options)),
  detection: (predictor, options) => told(predictor, boxForms(options)),
  "multi-label": (predictor, options) => told(predictor, setForms(options)),
  classification: (predictor, options) => told(predictor, classForms(options)),
  segmentation: (predictor, options) => told(predictor, mapForms(options, predictor.preprocessing)),
  regression: (predictor, options) => told(predictor, featureForms(options)),
  features: (predictor, options) => told(predictor, featureForms(options)),
};

export function toldPredictions<Name extends TaskName>(
  predictor: KnownPredictor<Name>,
  options: FormsOptions,
): ToldPredictions {
  return rows[predictor.taskName](predictor, options);
}

interface Predicts<Prediction> {
  predict(images: ImageSource, options: PredictOptions): AsyncIterable<ImagePrediction<Prediction>>;
}

function told<Prediction>(
  predictor: Predicts<Prediction>,
  forms: PredictionForms<Prediction>,
): ToldPredictions {
  return {
    ...forms,
    async *predict(images, options) {
      for await (const prediction of predictor.predict(images, options)) {
        yield { ...forms.of(prediction), index: prediction.index };
      }
    },
  };
}
