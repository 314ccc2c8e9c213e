/** The tensors that the wire formats are measured on, drawn from a seed. */
import { createRandom } from "@cupel/base";
import type { NumberTensor } from "../src/core/tensor.ts";

/** Of an image of 224 x 224 pixels. */
const side = 224;
const elements = 3 * side * side;
/** ImageNet's, by channel. */
const mean = [0.485, 0.456, 0.406];
const deviation = [0.229, 0.224, 0.225];

/** By what is said of them in the table. */
export function wireTensors(): ReadonlyMap<string, NumberTensor> {
  const { integer, normal, uniform } = createRandom(1);
  const of = (
    datatype: NumberTensor["datatype"],
    shape: readonly number[],
    data: NumberTensor["data"],
  ): NumberTensor => ({ name: "x", datatype, shape, data });
  const image = [1, 3, side, side];
  const pixels = Uint8Array.from({ length: elements }, () => integer(256));
  const channelOf = (index: number): number => Math.floor(index / (side * side));
  const normalised = Float32Array.from(pixels, (value, index) => {
    const channel = channelOf(index);
    return (value / 255 - mean[channel]!) / deviation[channel]!;
  });
  const wide = BigInt64Array.from({ length: elements }, () =>
    BigInt.asIntN(64, (BigInt(integer(2 ** 32)) << 32n) | BigInt(integer(2 ** 32))),
  );
  return new Map([
    ["FP32, a normalised image", of("FP32", image, normalised)],
    ["FP32, normal deviates", of("FP32", image, Float32Array.from({ length: elements }, normal))],
    [
      "INT64, below 100,000",
      of(
        "INT64",
        [elements],
        BigInt64Array.from({ length: elements }, () => BigInt(integer(1e5))),
      ),
    ],
    ["INT64, all 64 bits", of("INT64", [elements], wide)],
    ["UINT8, an image", of("UINT8", image, pixels)],
    ["FP32, ten scores", of("FP32", [1, 10], Float32Array.from({ length: 10 }, uniform))],
  ]);
}
