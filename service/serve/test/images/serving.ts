/** A model that answers images as it does behind the batcher, and the predictor that says what it should answer. */
import { type KnownPredictor, openPredictor, type TaskName } from "@cupel/predict";
import { type InferenceSession, openSession } from "@cupel/runtime";
import { anonymous, type Call, type PredictRequest } from "@cupel/serve";
import type { Image, ImageSource } from "@cupel/vision";
import sharp from "sharp";
import { createImages, type Images } from "../../src/images/create-images.ts";

export const call = (signal = new AbortController().signal): Call => ({
  face: "rest",
  principal: anonymous,
  signal,
  address: "",
  times: {},
});

export interface Serving<Name extends TaskName> extends AsyncDisposable {
  readonly images: Images;
  readonly predictor: KnownPredictor<Name>;
  /** Rows of each run of the batcher. */
  readonly runs: number[];
}

export async function serving<Name extends TaskName>(
  model: Uint8Array,
  taskName: Name,
): Promise<Serving<Name>> {
  const session: InferenceSession = await openSession(model, { threads: 1 });
  const runs: number[] = [];
  const images = await createImages(model, {
    model: "tiny",
    version: "1",
    inputs: session.inputs,
    outputs: session.outputs,
    run(feeds, { fetches, call: { signal } }) {
      runs.push(Object.values(feeds)[0]!.dims[0]!);
      return session.timedRun(feeds, { fetches, signal });
    },
  });
  runs.length = 0;
  const predictor = await openPredictor(model, { session, taskName });
  return { images, predictor, runs, [Symbol.asyncDispose]: () => session.close() };
}

export type Channel = 0 | 1 | 2;
export const rgbOf = (
  width: number,
  height: number,
  channelAt: (x: number, y: number) => Channel,
): Uint8Array => {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) data[3 * i + channelAt(i % width, Math.floor(i / width))] = 255;
  return data;
};

export async function pngOf(width: number, height: number, channelAt: (x: number, y: number) => Channel) {
  const data = rgbOf(width, height, channelAt);
  return new Uint8Array(
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer(),
  );
}

export const encoded = (bytes: Uint8Array) => ({ kind: "encoded" as const, bytes });
const sourceOf = (images: readonly Image[]): ImageSource => ({
  kind: "synthetic",
  location: "memory",
  length: images.length,
  classes: null,
  labelled: false,
  id: (index) => `image ${index}`,
  label: () => null,
  image: async (index) => images[index]!,
});

export async function predicted<Prediction>(
  predictor: { predict(images: ImageSource): AsyncIterable<{ readonly prediction: Prediction }> },
  images: readonly Image[],
): Promise<Prediction[]> {
  const found: Prediction[] = [];
  for await (const { prediction } of predictor.predict(sourceOf(images))) found.push(prediction);
  return found;
}

export const ask = (
  images: PredictRequest["images"],
  more: Partial<PredictRequest> = {},
): PredictRequest => ({
  model: "tiny",
  id: "7",
  images,
  ...more,
});

export const grey = (level: number) =>
  sharp({ create: { width: 9, height: 7, channels: 3, background: { r: level, g: level, b: level } } });
