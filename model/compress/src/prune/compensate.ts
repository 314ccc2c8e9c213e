/**
 * What removed channels carried is taken over by those that stay, as far as these tell it: least squares on calibration images,
 * no training. With x the channels that a layer reads, R removed and S kept, A and c the linear guess of x_R from x_S,
 *
 *   x_R ~ A x_S + c,   A = C_RS (C_SS + r)^-1,   c = m_R - A m_S,   (C covariances, m means)
 *   W_R x_R + W_S x_S + b ~ (W_S + W_R A) x_S + (b + W_R c)
 *
 * Of a 1 x 1 convolution and of a dense layer that is the best there is. A larger kernel guesses every place from the same place
 * alone, not from its neighbours, and takes the padding around the image for more of the image. The ridge r grows where there
 * are few numbers for so many channels.
 */
import type { Graph } from "@cupel/onnx";
import { biasOf, type Layer, layerOf, setBias, setWeightRows, weightRows } from "../layer.ts";
import type { FollowedChannels } from "./follow-channels.ts";
import { type LayerInput, layerInputs } from "./layer-inputs.ts";
import type { ChannelMoments } from "./measure-channels.ts";
import { solveSymmetric } from "./solve-symmetric.ts";

/** Of the mean variance of the channels that stay. */
const leastRidge = 1e-4;

/** Edits weights and biases of `graph`, before the channels are removed. @returns how many layers took something over */
export function compensate(
  graph: Graph,
  followed: FollowedChannels,
  removed: ReadonlySet<number>,
  moments: ReadonlyMap<string, ChannelMoments>,
): number {
  let layers = 0;
  for (const input of layerInputs(followed)) {
    const found = moments.get(input.measured.name);
    const layer = layerOf(input.place.node);
    const isShared = input.place.parameter.uses.length > 1;
    if (!found || !layer || layer.groups > 1 || isShared) continue;
    const { labels } = input.place;
    const isGone = (channel: number) =>
      removed.has(followed.coupling.find(labels[channel * input.measured.run]!));
    const all = Array.from({ length: input.measured.channels }, (_, channel) => channel);
    const [gone, kept] = [all.filter(isGone), all.filter((channel) => !isGone(channel))];
    if (gone.length === 0 || kept.length === 0) continue;
    takeOver(graph, layer, input, found, { gone, kept });
    layers++;
  }
  return layers;
}

interface Parts {
  readonly gone: readonly number[];
  readonly kept: readonly number[];
}

function takeOver(
  graph: Graph,
  layer: Layer,
  { measured }: LayerInput,
  moments: ChannelMoments,
  parts: Parts,
): void {
  const { gone, kept } = parts;
  const { channels } = measured;
  // A product of matrices has no bias to put means into: its guess goes through zero.
  const hasBias = !layer.node.is("MatMul");
  const means = hasBias ? moments.means : new Float64Array(channels);
  const covariance = (a: number, b: number) => moments.products[a * channels + b]! - means[a]! * means[b]!;
  const guess = guessOf(covariance, parts, moments.count);
  const { rows, columns } = layer;
  const taps = columns / channels;
  const weights = weightRows(layer);
  const bias = biasOf(layer);
  const moved = new Float64Array(taps * kept.length);
  for (let row = 0; row < rows; row++) {
    moved.fill(0);
    const start = row * columns;
    let shift = 0;
    for (const [r, channel] of gone.entries()) {
      let sum = 0;
      for (let tap = 0; tap < taps; tap++) {
        const weight = weights[start + channel * taps + tap]!;
        sum += weight;
        for (let s = 0; s < kept.length; s++)
          moved[tap * kept.length + s]! += weight * guess[r * kept.length + s]!;
      }
      let mean = means[channel]!;
      for (const [s, each] of kept.entries()) mean -= guess[r * kept.length + s]! * means[each]!;
      shift += sum * mean;
    }
    for (const [s, channel] of kept.entries()) {
      for (let tap = 0; tap < taps; tap++)
        weights[start + channel * taps + tap]! += moved[tap * kept.length + s]!;
    }
    bias[row]! += shift;
  }
  setWeightRows(graph, layer, weights);
  if (hasBias) setBias(graph, layer, bias);
}

/** A, [gone, kept]. */
function guessOf(
  covariance: (a: number, b: number) => number,
  { gone, kept }: Parts,
  count: number,
): Float64Array {
  const size = kept.length;
  const matrix = new Float64Array(size * size);
  let trace = 0;
  for (const [i, a] of kept.entries()) {
    for (const [j, b] of kept.entries()) matrix[i * size + j] = covariance(a, b);
    trace += matrix[i * size + i]!;
  }
  const scarcity = Math.min(1, size / Math.max(1, count));
  const ridge = (trace / size) * (leastRidge + scarcity ** 2) + Number.MIN_VALUE;
  for (let i = 0; i < size; i++) matrix[i * size + i]! += ridge;
  const sides = Float64Array.from({ length: gone.length * size }, (_, i) =>
    covariance(gone[Math.floor(i / size)]!, kept[i % size]!),
  );
  return solveSymmetric(matrix, size, sides);
}
