/**
 * What goes on: changes of models, and answers to images as they are ready. When the server takes nothing new, nothing more is
 * begun, what was begun is told, and the stream ends with SERVER_STOPPING.
 */
import { setTimeout as wait } from "node:timers/promises";
import { errorFrom } from "@cupel/base";
import type { IndexEntry, ModelState } from "../../core/metadata.ts";
import { serveErrors } from "../../errors.ts";
import type { PredictResponse } from "../../images/predict-request.ts";
import { finiteAnswer, type PredictArguments, readPredictRequest } from "../images.ts";
import { lookUp, type Operation } from "../operation.ts";
import { run } from "./run.ts";

interface ModelChange {
  readonly name: string;
  readonly version: string;
  readonly state: ModelState | null;
  readonly reason: string;
}

type ToldImage =
  | { readonly index: number; readonly prediction: PredictResponse }
  | { readonly index: number; readonly error: unknown };

/** How often the list of models is looked at, in ms. */
const watchMs = 250;

/** @throws SERVER_STOPPING, DEADLINE_EXCEEDED, CANCELLED */
async function* modelChanges(operation: Operation): AsyncGenerator<ModelChange> {
  const { service, call, stopping } = operation;
  const over = AbortSignal.any([call.signal, stopping]);
  let told = new Map<string, IndexEntry>();
  while (!over.aborted) {
    const entries = service.repositoryIndex(lookUp(operation));
    const now = new Map(entries.map((entry) => [`${entry.name}/${entry.version}`, entry]));
    for (const [key, entry] of now) {
      const before = told.get(key);
      if (before?.state !== entry.state || before.reason !== entry.reason) yield entry;
    }
    for (const [key, { name, version }] of told) {
      if (!now.has(key)) yield { name, version, state: null, reason: "" };
    }
    told = now;
    await wait(watchMs, undefined, { signal: over, ref: false }).catch(() => {});
  }
  throw endOf(operation);
}

/** @throws as `modelChanges` */
async function* predictions(asked: PredictArguments, operation: Operation): AsyncGenerator<ToldImage> {
  const request = readPredictRequest(asked);
  const { service, call, stopping } = operation;
  const underWay = new Map<number, Promise<ToldImage>>();
  const predict = async (index: number): Promise<ToldImage> => {
    const images = request.images.slice(index, index + 1);
    try {
      const { result } = await run(operation, "predict", `predictEach.${index}`, (part) =>
        service.predict({ ...request, images }, part),
      );
      return { index, prediction: { ...result, answers: result.answers.map(finiteAnswer) } };
    } catch (error) {
      return { index, error };
    }
  };
  let next = 0;
  while (next < request.images.length || underWay.size > 0) {
    while (next < request.images.length && underWay.size < mostAtOnce && !stopping.aborted) {
      underWay.set(next, predict(next));
      next++;
    }
    if (underWay.size === 0) throw endOf(operation);
    const told = await Promise.race(underWay.values());
    if (call.signal.aborted) throw endOf(operation);
    underWay.delete(told.index);
    yield told;
  }
}

/** Of one request; what is answered waits for its client to read it. */
const mostAtOnce = 8;

function endOf({ call, stopping }: Operation): Error {
  if (call.signal.aborted) return errorFrom(call.signal.reason, call.signal);
  if (!stopping.aborted) return errorFrom(new Error("a subscription ended by itself"));
  return serveErrors.error("SERVER_STOPPING", "The server is shutting down. Subscribe on another one.");
}

/** The event is the value of the field. */
const itself = <T>(event: T): T => event;

export const subscriptionResolvers = {
  Subscription: {
    modelChanges: {
      subscribe: (_root: unknown, _args: unknown, operation: Operation) => modelChanges(operation),
      resolve: itself<ModelChange>,
    },
    predictEach: {
      subscribe: (_root: unknown, asked: PredictArguments, operation: Operation) =>
        predictions(asked, operation),
      resolve: itself<ToldImage>,
    },
  },
  ImagePrediction: {
    prediction(told: ToldImage) {
      if ("error" in told) throw told.error;
      return told.prediction;
    },
  },
};
