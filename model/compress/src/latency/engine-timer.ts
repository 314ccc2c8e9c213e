/**
 * Times layers with the engine. Each shape is a network of one copy and one of several: the difference is what a layer
 * takes inside a network, without the call, the input and what is done to it. Shapes take turns in every round.
 */
import { silentProgress, spreadOf, type WorkOptions } from "@cupel/base";
import { encodeModel } from "@cupel/onnx";
import { measureLatency, type openSession } from "@cupel/runtime";
import { layerModel } from "./layer-model.ts";
import type { LayerShape } from "./layer-shape.ts";

/** @returns milliseconds of each, in their order */
export type LayerTimer = (shapes: readonly LayerShape[]) => Promise<readonly number[]>;

export interface EngineTimerOptions extends WorkOptions {
  readonly threads: number;
  readonly open?: typeof openSession | undefined;
}

/** Copies beside the first. */
const copies = 4;
/** Shapes whose sessions are open at once. */
const atOnce = 8;
const rounds = 15;
const warmup = 3;

export function engineTimer({
  threads,
  open,
  signal,
  progress = silentProgress,
}: EngineTimerOptions): LayerTimer {
  return async (shapes) => {
    using task = progress.start("Timing layers", shapes.length, "shapes");
    const times: number[] = [];
    for (let from = 0; from < shapes.length; from += atOnce) {
      const some = shapes.slice(from, from + atOnce);
      const models = some.flatMap((shape, i) =>
        [1, 1 + copies].map((count) => ({
          name: `${i} x ${count}`,
          model: encodeModel(layerModel(shape, count)),
        })),
      );
      const measured = await measureLatency(models, { runs: rounds, warmup, threads, open, signal });
      for (const i of some.keys()) {
        const [one, several] = [measured[2 * i]!.times, measured[2 * i + 1]!.times];
        const each = several.map((ms, round) => (ms - one[round]!) / copies);
        times.push(Math.max(0, spreadOf(each).median));
      }
      task.advance(some.length);
    }
    return times;
  };
}
