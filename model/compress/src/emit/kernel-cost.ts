/**
 * What an 8-bit kernel saves over the float one, without the conversions around it: nanoseconds an image, below zero
 * where it loses. An estimate, good for the sign and the order of size.
 *
 * Measured with tools/engine-forms/time-kernels.py on ONNX Runtime 1.30: an AMD EPYC with AVX2, without VNNI; one
 * thread, processor time, the least of many runs. For each pixel of the output:
 *
 *   Conv in float      0.027 ns a product, channels filled up to blocks of 8
 *   Conv on integers   0.0105 ns a product, 2 ns a tap to gather where the kernel is wider than 1, 0.45 ns an output
 *                      channel to round, 20 ns where the channels are no multiple of 8
 *   depthwise          in float 0.085 ns a product; on integers 0.11 ns, 20 ns besides, 50 more for odd channels
 *   AveragePool        in float 0.1 ns a tap and channel, on integers 2.7
 *
 * So 8 channels of 3 x 3 run at 0.66 of float's speed, 16 at 1.5, 64 at 2.1; 1 x 1 of 16 and 32 channels at 0.9 to 1, of
 * 128 at 2.1; depthwise of 8 channels at 0.1, of 32 at 0.4, of 192 at 0.8; 3 x 3 AveragePool at 0.03. With AVX-512
 * VNNI products cost less than half as much in either form, while what is paid an element stays: whatever loses here
 * loses there as well. What wins here by little may not: nothing close was measured there.
 */
import type { Node, Value } from "@cupel/onnx";
import { type Layer, layerOf } from "../layer.ts";

const block = 8;
const filled = (channels: number): number => Math.ceil(channels / block) * block;

/** Nanoseconds a product, an output channel, a tap and a pixel. */
const dense = { float: 0.027, product: 0.0105, channel: 0.45, tap: 2, pixel: 3, odd: 20 };
const depthwise = { float: 0.085, product: 0.11, pixel: 20, odd: 50 };
/** Nanoseconds an element of the output for each tap of the window. */
const averagePool = { float: 0.1, integer: 2.7 };
/** Nanoseconds an element: what integers save. Add, Concat, Sigmoid, MaxPool and Mul are near enough to nothing. */
const elementwise: Readonly<Record<string, number>> = { Softmax: -4, LeakyRelu: -0.1, Mul: -0.1 };

/** @param sizeOf elements an image */
export function savedByKernel(node: Node, sizeOf: (value: Value) => number): number {
  const layer = layerOf(node);
  const elements = sizeOf(node.output);
  if (layer) return (elements / layer.rows) * savedByLayer(layer);
  if (node.is("AveragePool")) {
    const taps = (node.ints("kernel_shape") ?? []).reduce((product, size) => product * size, 1);
    return elements * taps * (averagePool.float - averagePool.integer);
  }
  return elements * (Object.hasOwn(elementwise, node.opType) ? elementwise[node.opType]! : 0);
}

/** For each pixel of the output, or each row of a dense layer's. */
function savedByLayer({ rows, columns, kernelSize, groups }: Layer): number {
  const isOdd = rows % block !== 0;
  const products = rows * columns;
  if (columns === kernelSize && groups > 1) {
    const integer = depthwise.product * products + depthwise.pixel + (isOdd ? depthwise.odd : 0);
    return depthwise.float * products - integer;
  }
  const inputs = columns / kernelSize;
  // Fewer than a block are read as they are: the first layer of a network.
  const read = inputs * groups < block ? inputs : filled(inputs);
  const inFloat = dense.float * filled(rows) * read * kernelSize;
  const gathered = kernelSize > 1 ? dense.tap * kernelSize : 0;
  const tail = isOdd && rows > block ? dense.odd : 0;
  return inFloat - (dense.product * products + dense.channel * rows + gathered + dense.pixel + tail);
}
