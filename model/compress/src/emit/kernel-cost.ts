/**
 * What an 8-bit kernel saves over the float one, without the conversions around it: nanoseconds an image, below zero
 * where it loses. An estimate, good for the sign and the order of size.
 *
 * Fitted to 507 convolutions of ten networks (MobileNet, MnasNet, EfficientNet, LCNet, ShuffleNet, SqueezeNet, ResNet,
 * RegNet), each timed in both forms inside its network (tools/engine-forms/time-networks.py) on ONNX Runtime 1.30: an
 * AMD EPYC with AVX2, without VNNI; one thread, the least of 100 runs. Groups and AveragePool by themselves
 * (time-kernels.py, in the same folder). The median error of one is 6 to 13 %. By these a
 * 1 x 1 Conv of 16 channels runs at 1.1 of float's speed, of 128 at 2.0; 3 x 3 of 64 at 2.0; depthwise 3 x 3 of 16
 * channels at 0.4, of 64 at 0.75, of 192 at 0.9; a dense layer at 2.6, because its weights come from memory. 3 x 3 in
 * groups of 8 channels was measured at 0.5. With AVX-512 VNNI products cost less than half as much in either form, while what is paid
 * an element stays: whatever loses here loses there as well. What wins here by little may not: nothing close was
 * measured there.
 */
import { own } from "@cupel/base";
import type { Node, Value } from "@cupel/onnx";
import { type Layer, layerOf } from "../layer.ts";

const block = 8;
const filled = (channels: number): number => Math.ceil(channels / block) * block;

/**
 * Nanoseconds: a product, an output channel, a tap (where the kernel is wider than 1), a group and a pixel, for each
 * pixel of the output; `odd` where the channels fill no block. And once an image, a weight, which is read from memory,
 * and the call. In float, channels are filled up to blocks.
 */
const dense = {
  float: { product: 0.021, channel: 0.08, pixel: 0.9, tap: 0, odd: 0, weight: 0.15, call: 0 },
  integer: { product: 0.0095, channel: 0.135, pixel: 2.2, tap: 2.5, odd: 36, weight: 0.057, call: 1_300 },
};
/** The same of each group. */
const grouped = { float: { group: 0, tap: 1.5 }, integer: { group: 6, tap: 4.9 } };
const depthwise = {
  float: { product: 0.054, channel: 0, pixel: 0, odd: 0, call: 0 },
  integer: { product: 0.048, channel: 0.05, pixel: 10, odd: 18, call: 1_300 },
};
/** Nanoseconds an element of the output for each tap of the window. */
const averagePool = { float: 0.1, integer: 2.7 };
/** Nanoseconds an element: what integers save. Add, Concat, Sigmoid and MaxPool are near enough to nothing; Mul with it is a SiLU. */
const elementwise: Readonly<Record<string, number>> = { Softmax: -4, LeakyRelu: -0.1, Mul: -0.2 };

/** @param sizeOf elements an image */
export function savedByKernel(node: Node, sizeOf: (value: Value) => number): number {
  const layer = layerOf(node);
  const elements = sizeOf(node.output);
  if (layer) return costOf(layer, elements, "float") - costOf(layer, elements, "integer");
  if (node.is("AveragePool")) {
    const taps = (node.ints("kernel_shape") ?? []).reduce((product, size) => product * size, 1);
    return elements * taps * (averagePool.float - averagePool.integer);
  }
  return elements * (own(elementwise, node.opType) ?? 0);
}

function costOf(
  { rows, columns, kernelSize, groups }: Layer,
  elements: number,
  form: "float" | "integer",
): number {
  // Of a dense layer a row of what it gives is a pixel.
  const pixels = elements / rows;
  const isOdd = rows % block !== 0;
  if (columns === kernelSize && groups > 1) {
    const { product, channel, pixel, odd, call } = depthwise[form];
    return pixels * (product * rows * columns + channel * rows + pixel + (isOdd ? odd : 0)) + call;
  }
  const { product, channel, pixel, tap, odd, weight, call } = dense[form];
  const inputs = columns / kernelSize;
  const fills = form === "float";
  // Fewer than a block are read as they are: the first layer of a network.
  const read = fills && inputs >= block ? filled(inputs) : inputs;
  const made = fills ? groups * filled(rows / groups) : rows;
  const gathered = kernelSize > 1 ? tap * kernelSize : 0;
  const apart = groups > 1 ? groups * (grouped[form].group + grouped[form].tap * kernelSize) : 0;
  const tail = isOdd && rows > block ? odd : 0;
  const each = product * made * read * kernelSize + channel * rows + pixel + gathered + apart + tail;
  return pixels * each + weight * rows * columns + call;
}
