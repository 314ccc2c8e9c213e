/**
 * What a loaded model does with images: encoded bytes to feeds, and a question about images to its answers. Tensors go
 * through the run that is given, where they are joined with those of other calls; what the outputs mean is read as
 * `cupel predict` reads it.
 */
import { CupelError } from "@cupel/base";
import {
  imageFeed,
  imageInputOf,
  imagesPerRun,
  type KnownPredictor,
  openPredictor,
  predictErrors,
} from "@cupel/predict";
import { type EngineRun, type Feeds, type ModelSource, runtimeErrors, type ValueInfo } from "@cupel/runtime";
import { createImageReader, type Image, tensorDims } from "@cupel/vision";
import type { Call } from "../core/call.ts";
import { serveErrors } from "../errors.ts";
import type { BatchedRunOptions, ModelVersion } from "../repository/model-version.ts";
import { answerForms } from "./answer-forms.ts";
import { answerWindows } from "./answer-windows.ts";
import { imageAnswer } from "./image-answer.ts";
import type { ImageAnswer, ImageInput, PredictRequest } from "./predict-request.ts";
import { batchesOf, imageName, memoryPerImage, readEach, readTensors } from "./read-tensors.ts";

export type Images = Pick<ModelVersion, "imageInput" | "prepare" | "predict">;

export interface ImagesOptions {
  /** As answers name it. */
  readonly model: string;
  readonly version: string;
  /** As the engine declares them. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Of one row or many; it may join them with those of other calls where every output begins with the open size of the batch. */
  readonly run: (feeds: Feeds, options: BatchedRunOptions) => Promise<EngineRun>;
  /** Ends the opening. Default: never. */
  readonly signal?: AbortSignal | undefined;
}

/** Bytes that the tensors of one request may take: small files can say many pixels. */
const memoryPerRequest = 256 * 2 ** 20;

/**
 * A model that cannot be fed images has a null `imageInput`, and whoever sends images is told why: INPUT_UNSUPPORTED.
 * The model is run at most twice, on zeros, where neither graph nor file tells the shapes of its outputs.
 * @param source the model's file, or its bytes.
 * @throws CANCELLED, DEADLINE_EXCEEDED, and what a run throws that is not the model's fault
 */
export async function createImages(source: ModelSource, options: ImagesOptions): Promise<Images> {
  const { inputs, outputs, run, signal = new AbortController().signal } = options;
  const opening = callOfServer(signal);
  try {
    // Before the file is read: many models take no image by their shapes.
    const input = imageInputOf(inputs);
    const session = { inputs, outputs, run: runFor(run, opening).run };
    return images(input, await openPredictor(source, { session, signal }), options);
  } catch (thrown) {
    if (!isOfModel(thrown)) throw thrown;
    return noImages(options.model, source, thrown);
  }
}

/** The server's own, while it opens the model. */
function callOfServer(signal: AbortSignal): Call {
  return { face: "rest", principal: { id: "server", roles: [] }, signal, address: "", times: {} };
}

/** What is wrong with the model, for images, rather than with the machine or the moment. */
function isOfModel(thrown: unknown): thrown is CupelError {
  if (!(thrown instanceof CupelError)) return false;
  const { code, spec } = thrown;
  return code === "RUN_FAILED" || (spec.http < 500 && code !== "CANCELLED" && !spec.retryable);
}

function noImages(model: string, source: ModelSource, reason: CupelError): Images {
  // Who reads the file may say where it lies.
  const namesFile = typeof source === "string" && reason.message.includes(source);
  const why = reason.spec.public && !namesFile ? reason.message : reason.spec.meaning;
  const refuse = async () => {
    throw predictErrors.error("INPUT_UNSUPPORTED", `The model "${model}" takes no images. ${why}`, {
      cause: reason,
      details: { model },
    });
  };
  return { imageInput: null, prepare: refuse, predict: refuse };
}

function runFor(run: ImagesOptions["run"], call: Call) {
  return {
    run: async (feeds: Feeds, { fetches }: { readonly fetches?: readonly string[] | undefined } = {}) =>
      (await run(feeds, { fetches, call })).outputs,
  };
}

function images(
  input: ValueInfo,
  predictor: KnownPredictor,
  { model, version, inputs, run }: ImagesOptions,
): Images {
  const { preprocessing } = predictor;
  const reader = createImageReader(preprocessing, { memoryPerImage });
  const forms = answerForms(predictor);
  const most = Math.max(1, Math.floor(memoryPerRequest / bytesOf(tensorDims(preprocessing, 1))));

  async function prepare(encoded: readonly Uint8Array[], call: Call): Promise<Feeds> {
    assertCount(encoded.length, most);
    const sent = encoded.map((bytes): ImageInput => ({ kind: "encoded", bytes }));
    const [batch, other] = batchesOf(await readTensors(sent, reader, call));
    if (other) {
      const [first, second] = [batch!, other].map(({ dims }) => `[${dims.slice(1).join(", ")}]`);
      throw runtimeErrors.error(
        "INPUT_SHAPE_MISMATCH",
        `The images become tensors of different sizes, ${first} and ${second}, which do not go into one input. Send them one by one.`,
        { details: { input: input.name } },
      );
    }
    const perRun = imagesPerRun(input, batch!.dims, encoded.length);
    if (perRun !== encoded.length) {
      throw runtimeErrors.error(
        "INPUT_SHAPE_MISMATCH",
        `The input "${input.name}" takes ${perRun} ${perRun === 1 ? "image" : "images"} a run; ${encoded.length} were sent.`,
        { details: { input: input.name, expected: perRun, given: encoded.length } },
      );
    }
    return { [input.name]: imageFeed(input, batch!) };
  }

  async function answersOf(request: PredictRequest, call: Call): Promise<ImageAnswer[]> {
    const { images: sent } = request;
    const session = { inputs, ...runFor(run, call) };
    if (request.windows) return await answerWindows(predictor, request, request.windows, session, call);
    const pictures: Image[] = [];
    const tensors = await readEach(sent, call, async (image, { index, name, signal }) => {
      if (request.draw) pictures[index] = image;
      return await reader.read(image, name, { signal });
    });
    const { signal } = call;
    const asked = { top: request.top, threshold: request.threshold, signal };
    const told = await Promise.all(batchesOf(tensors).map((batch) => forms.answer(batch, session, asked)));
    return await Promise.all(
      told.flat().map((each, index) => {
        const name = imageName(index, sent.length);
        return imageAnswer(each, tensors[index]!.size, pictures[index], { index, name, signal });
      }),
    );
  }

  return {
    imageInput: input.name,
    prepare,
    async predict(request, call) {
      assertAsked(request);
      assertCount(request.images.length, most);
      if (request.draw && !request.windows && !forms.canDraw) {
        throw serveErrors.error(
          "REQUEST_INVALID",
          `"draw" draws boxes and maps of classes; the model "${model}" is one of ${predictor.taskName}, which has none.`,
        );
      }
      const answers = await answersOf(request, call);
      return { model, version, id: request.id, task: predictor.taskName, answers };
    },
  };
}

const bytesOf = (dims: readonly number[]): number =>
  dims.reduce((product, size) => product * size, Float32Array.BYTES_PER_ELEMENT);

/** @throws REQUEST_INVALID, BATCH_TOO_LARGE */
function assertCount(count: number, most: number): void {
  if (count === 0) {
    throw serveErrors.error("REQUEST_INVALID", "The request has no image. Send one or more.");
  }
  if (count <= most) return;
  throw serveErrors.error(
    "BATCH_TOO_LARGE",
    `The request has ${count} images; of the size that this model takes, ${most} fit into the ${memoryPerRequest / 2 ** 20} MiB of tensors that one request may take. Send fewer.`,
    { details: { images: count, limit: most } },
  );
}

/** @throws REQUEST_INVALID */
function assertAsked({ top, threshold }: PredictRequest): void {
  if (top !== undefined && !(Number.isInteger(top) && top >= 1)) {
    throw serveErrors.error("REQUEST_INVALID", `"top" is a whole number of at least 1, not ${top}.`);
  }
  if (threshold !== undefined && !(threshold >= 0 && threshold <= 1)) {
    throw serveErrors.error("REQUEST_INVALID", `"threshold" is a number of 0 to 1, not ${threshold}.`);
  }
}
