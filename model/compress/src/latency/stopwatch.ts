/** What times layers and whole networks on this machine; a test, or another machine, may bring its own. */
import type { WorkOptions } from "@cupel/base";
import { encodeModel, type Model } from "@cupel/onnx";
import { fedDims, imageInputOf, inputsOf } from "@cupel/predict";
import { measureLatency, type openSession } from "@cupel/runtime";
import { type Preprocessing, tensorDims } from "@cupel/vision";
import { engineTimer, type LayerTimer } from "./engine-timer.ts";

export interface NetworkTime {
  /** Of one image. */
  readonly ms: number;
  /** Of the first network's time, in the same round: hardly moved by what disturbs all. */
  readonly share: number;
}

/** Of each, in their order; measured in turn. */
export type NetworkTimer = (models: readonly Model[]) => Promise<readonly NetworkTime[]>;

export interface Stopwatch {
  readonly layers: LayerTimer;
  readonly networks: NetworkTimer;
}

export interface StopwatchOptions extends WorkOptions {
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  readonly open?: typeof openSession | undefined;
}

const rounds = 30;
const leastMs = 1000;

export function networkTimer({ preprocessing, threads, ...work }: StopwatchOptions): NetworkTimer {
  return async (models) => {
    const measured = await measureLatency(
      models.map((model, i) => {
        const image = imageInputOf(inputsOf(model.graph));
        const inputs = { shapes: { [image.name]: fedDims(image, tensorDims(preprocessing, 1)) } };
        return { name: `network ${i}`, model: encodeModel(model), inputs };
      }),
      { runs: rounds, leastMs, threads, ...work },
    );
    return measured.map(({ latency, timeRatio }) => ({ ms: latency.median, share: timeRatio.value }));
  };
}

export function engineStopwatch(options: StopwatchOptions): Stopwatch {
  return { layers: engineTimer(options), networks: networkTimer(options) };
}
