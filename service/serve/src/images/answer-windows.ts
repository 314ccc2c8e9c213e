/** Big pictures for a classifier: boxes around what it knows, found in windows that go through the batcher as images do. */
import { findInScales, type KnownPredictor, openScales, type WindowOptions } from "@cupel/predict";
import type { Image, PictureWindows } from "@cupel/vision";
import type { Call } from "../core/call.ts";
import { serveErrors } from "../errors.ts";
import { type BatchSession, boxesTold } from "./answer-forms.ts";
import { imageAnswer } from "./image-answer.ts";
import type { ImageAnswer, PredictRequest } from "./predict-request.ts";
import { imageName, memoryPerImage, readOne } from "./read-tensors.ts";

/** Of a picture: 10,000 of the smallest networks' take seconds of the engine, and 640 x 640 pixels have 6,561 of 64 x 64. */
const mostWindows = 10_000;

/** One picture after the other. @throws REQUEST_INVALID for another task, OPTION_INVALID, IMAGE_INVALID, and what a run throws */
export async function answerWindows(
  predictor: KnownPredictor,
  { model, images, threshold, draw }: PredictRequest,
  windows: true | WindowOptions,
  session: BatchSession,
  call: Call,
): Promise<ImageAnswer[]> {
  if (predictor.taskName !== "classification") {
    throw serveErrors.error(
      "REQUEST_INVALID",
      `"windows" looks for what a classifier knows; the model "${model}" is one of ${predictor.taskName}.`,
    );
  }
  const told = windows === true ? {} : windows;
  const { signal } = call;
  const options = { ...told, threshold: threshold ?? told.threshold, mostWindows, signal };
  const answers: ImageAnswer[] = [];
  for (let index = 0; index < images.length; index++) {
    let picture: Image | undefined;
    const scales: readonly PictureWindows[] = await readOne(images, index, call, (image, { name }) => {
      if (draw) picture = image;
      return openScales(image, name, predictor, { ...options, memory: memoryPerImage });
    });
    const { boxes, size } = await findInScales(scales, predictor, options, session);
    const name = imageName(index, images.length);
    answers.push(await imageAnswer(boxesTold(boxes), size, picture, { index, name, signal }));
  }
  return answers;
}
