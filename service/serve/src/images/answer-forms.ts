/**
 * What is answered about an image, by the model's task: a row a task. The numbers are those of `cupel predict`; a row
 * only chooses how many of them are told.
 */
import {
  type ClassMap,
  type ClassPrediction,
  classesOfImage,
  type DetectionPrediction,
  drawDetections,
  drawMap,
  type FeaturesPrediction,
  type KnownPredictor,
  leastScore,
  leastTold,
  pixelsByClass,
  type SetPrediction,
  type TaskName,
  type TextPrediction,
  toldBoxes,
  topClasses,
} from "@cupel/predict";
import type { Image, ImageBatch, Preprocessing } from "@cupel/vision";
import { decodeSlots } from "./decode-slots.ts";
import { maskPng } from "./mask-png.ts";
import type { ImageAnswer, PredictRequest, ToldBox, ToldClass } from "./predict-request.ts";

export interface Asked extends Pick<PredictRequest, "top" | "threshold"> {
  /** Fires when the caller has left. */
  readonly signal: AbortSignal;
}
type Told = Omit<ImageAnswer, "width" | "height" | "drawing">;
type Predicts<Prediction> = Pick<KnownPredictor, "classes"> & {
  readonly preprocessing: Preprocessing;
  predictBatch(batch: ImageBatch, session: BatchSession): Promise<readonly Prediction[]>;
};
export type BatchSession = NonNullable<Parameters<KnownPredictor["predictBatch"]>[1]>;

/** Draws what was seen into the image, as PNG. @param id names the image in a message. @throws IMAGES_UNREADABLE */
export type Draw = (image: Image, id: string) => Promise<Uint8Array>;

export interface ToldImage {
  readonly told: Told;
  readonly draw?: Draw | undefined;
}

export interface AnswerForms {
  /** Whether what the task says can be drawn. */
  readonly canDraw: boolean;
  answer(batch: ImageBatch, session: BatchSession, asked: Asked): Promise<ToldImage[]>;
}

/** Classes told where nobody says how many. */
const defaultTop = 5;

const rows: { readonly [Name in TaskName]: (predictor: KnownPredictor<Name>) => AnswerForms } = {
  classification: (predictor) =>
    forms(predictor, false, (prediction: ClassPrediction, { top = defaultTop, threshold = 0 }) => ({
      told: {
        classes: topClasses(prediction, top, predictor.classes)
          .map(({ classIndex, className, probability }) => toldClass(classIndex, className, probability))
          .filter(({ score }) => score >= threshold),
      },
    })),
  "multi-label": (predictor) =>
    forms(predictor, false, ({ scores }: SetPrediction, { threshold = leastScore }) => ({
      told: {
        classes: topClasses({ scores, areProbabilities: true }, scores.length, predictor.classes)
          .map(({ classIndex, className, probability }) => toldClass(classIndex, className, probability))
          .filter(({ score }) => score >= threshold),
      },
    })),
  detection: (predictor) =>
    forms(predictor, true, (prediction: DetectionPrediction, { threshold = leastTold }) =>
      boxesTold(toldBoxes(prediction, threshold)),
    ),
  segmentation: (predictor) =>
    forms(predictor, true, (map: ClassMap, { signal }) =>
      decodeSlots.use(signal, async () => {
        const { classes, preprocessing } = predictor;
        const classOf = classesOfImage(preprocessing, map);
        const counts = pixelsByClass({ classes: classOf });
        const all = counts.reduce((sum, { pixels }) => sum + pixels, 0);
        const shares = counts.map(({ classIndex, pixels }) =>
          toldClass(classIndex, classes?.[classIndex] ?? null, pixels / all),
        );
        return {
          told: { mask: { png: await maskPng(classOf, map.image), classes: shares } },
          draw: (image, id) => drawMap(image, classOf, classes, id),
        };
      }),
    ),
  sequence: (predictor) =>
    forms(predictor, false, ({ text, confidence }: TextPrediction) => ({
      told: { text: { text, score: confidence } },
    })),
  regression: (predictor) => forms(predictor, false, toldValues),
  features: (predictor) => forms(predictor, false, toldValues),
};

/** Of a model whose task is one of the table. */
export function answerForms<Name extends TaskName>(predictor: KnownPredictor<Name>): AnswerForms {
  return rows[predictor.taskName](predictor);
}

function forms<Prediction>(
  predictor: Predicts<Prediction>,
  canDraw: boolean,
  toldOf: (prediction: Prediction, asked: Asked) => ToldImage | Promise<ToldImage>,
): AnswerForms {
  return {
    canDraw,
    async answer(batch, session, asked) {
      const predictions = await predictor.predictBatch(batch, session);
      return await Promise.all(predictions.map((prediction) => toldOf(prediction, asked)));
    },
  };
}

export function boxesTold(boxes: DetectionPrediction["boxes"]): ToldImage {
  return { told: { boxes: boxes.map(toldBox) }, draw: (image, id) => drawDetections(image, boxes, id) };
}

function toldClass(index: number, name: string | null, score: number): ToldClass {
  return { index, name, score };
}

function toldBox({
  classIndex,
  className,
  score,
  left,
  top,
  right,
  bottom,
}: DetectionPrediction["boxes"][number]): ToldBox {
  return { ...toldClass(classIndex, className, score), left, top, right, bottom };
}

function toldValues(prediction: FeaturesPrediction): ToldImage {
  return { told: { values: Array.from(prediction[0]?.values ?? []) } };
}
