/**
 * What calibration remembers of one activation: its extremes, a histogram, the moments of its channels and a
 * moving average of the range of batches. It takes one image after the other, so that the same images leave
 * the same behind, however they were cut into runs.
 */
import { own } from "@cupel/base";
import { float32Of, type TensorData } from "@cupel/runtime";
import { ChannelMoments } from "./channel-moments.ts";
import { Histogram } from "./histogram.ts";
import {
  type Observation,
  type Range,
  type RangeMethod,
  type RangeOptions,
  rangeMethods,
} from "./range-method.ts";
import type { Watch } from "./watched-graph.ts";

export class Watcher implements Observation {
  readonly watch: Watch;
  readonly histogram = new Histogram();
  readonly moments: ChannelMoments | null;
  movingRange: Range = [0, 0];
  range: Range = [0, 0];
  /** Images in which a value was NaN or infinite. */
  notFinite = 0;
  #batches = 0;
  #low = Number.POSITIVE_INFINITY;
  #high = Number.NEGATIVE_INFINITY;

  constructor(watch: Watch) {
    this.watch = watch;
    this.moments = watch.channels === null ? null : new ChannelMoments(watch.channels);
  }

  /** Names of the outputs it looks at. */
  get fetches(): readonly string[] {
    const { outputs } = this.watch;
    return outputs.kind === "whole"
      ? [outputs.value]
      : [outputs.low, outputs.high, outputs.mean, outputs.sample].filter((name) => name !== null);
  }

  /** @param image which of the `count` images of the run. What belongs to the whole run counts with the first. */
  add(tensors: Readonly<Record<string, TensorData>>, image: number, count: number): void {
    const { byImage, outputs } = this.watch;
    if (!byImage && image > 0) return;
    const part = (name: string) => {
      const values = float32Of(own(tensors, name)!);
      const size = values.length / count;
      return byImage ? values.subarray(image * size, (image + 1) * size) : values;
    };
    if (outputs.kind === "whole") {
      const values = part(outputs.value);
      this.histogram.add(values);
      this.moments?.add(values);
      const [low, high] = extremesOf(values);
      this.#include(low, high, values.every(Number.isFinite));
      return;
    }
    const [mean, sample] = [part(outputs.mean), part(outputs.sample)];
    const [low] = outputs.low === null ? [0] : extremesOf(part(outputs.low));
    const [, high] = extremesOf(part(outputs.high));
    this.histogram.add(sample);
    this.moments?.addSampled(sample, mean);
    // The engine's extremes pass NaN over; its mean does not.
    this.#include(low, high, mean.every(Number.isFinite));
  }

  /** Ends a batch. */
  endBatch(): void {
    if (this.#low > this.#high) return;
    // The first batches count fully, so that the average does not start at zero.
    const weight = Math.max(0.1, 1 / ++this.#batches);
    const [oldLow, oldHigh] = this.movingRange;
    this.movingRange = [oldLow + weight * (this.#low - oldLow), oldHigh + weight * (this.#high - oldHigh)];
    this.#low = Number.POSITIVE_INFINITY;
    this.#high = Number.NEGATIVE_INFINITY;
  }

  /** Works the range out anew. @returns how far it moved, relative to its width. */
  settle(method: RangeMethod, options: RangeOptions): number {
    const [oldLow, oldHigh] = this.range;
    this.range = this.rangeBy(method, options);
    const [low, high] = this.range;
    return high === low ? 0 : Math.max(Math.abs(low - oldLow), Math.abs(high - oldHigh)) / (high - low);
  }

  rangeBy(method: RangeMethod, options: RangeOptions): Range {
    return rangeMethods[method](this, options);
  }

  #include(low: number, high: number, allFinite: boolean): void {
    if (!allFinite || !Number.isFinite(low) || !Number.isFinite(high)) {
      this.notFinite++;
      return;
    }
    this.histogram.include(low, high);
    this.#low = Math.min(this.#low, low);
    this.#high = Math.max(this.#high, high);
  }
}

function extremesOf(values: Float32Array): Range {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    if (x < low) low = x;
    if (x > high) high = x;
  }
  return [low, high];
}
