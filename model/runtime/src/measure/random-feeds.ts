/** Feeds for measuring: right in type and shape, random in value, the same for the same seed. */
import { createRandom, elementCount, own, type Random } from "@cupel/base";
import { runtimeErrors } from "../errors.ts";
import {
  arrayLength,
  type EngineElementType,
  isEngineElementType,
  repeatedTo,
  type TensorData,
  type TypedArray,
  type ValueInfo,
} from "../session/tensor-data.ts";
import { type FeedSizes, feedDims } from "./feed-dims.ts";

/**
 * Floats are standard normal, as normalised images roughly are; bytes and 4-bit codes cover their range;
 * wider integers are 0 or 1, since they are mostly indices and lengths. Open sizes are those of `feedDims`.
 */
export function randomFeeds(
  inputs: readonly ValueInfo[],
  seed: number,
  sizes: FeedSizes = {},
): Record<string, TensorData> {
  const random = createRandom(seed);
  const { tensors = {} } = sizes;
  const dims = feedDims(inputs, sizes);
  return Object.fromEntries(
    inputs.map((input, i) => [
      input.name,
      Object.hasOwn(tensors, input.name)
        ? repeatedTo(own(tensors, input.name)!, dims[i]![0])
        : randomTensor(input, dims[i]!, random),
    ]),
  );
}

function randomTensor({ name, type }: ValueInfo, dims: readonly number[], random: Random): TensorData {
  if (!isEngineElementType(type)) {
    throw runtimeErrors.error(
      "TENSOR_TYPE_MISMATCH",
      `The input "${name}" is ${type}: no random feed for it.`,
    );
  }
  return { type, dims, data: fillers[type](random, arrayLength(type, elementCount(dims))) };
}

const fillers: Readonly<Record<EngineElementType, (random: Random, length: number) => TypedArray>> = {
  float32: (random, length) => new Float32Array(length).map(() => random.normal()),
  float64: (random, length) => new Float64Array(length).map(() => random.normal()),
  float16: (random, length) => new Uint16Array(length).map(() => halfInUnitInterval(random)),
  int8: (random, length) => new Int8Array(length).map(() => random.integer(256) - 128),
  uint8: (random, length) => new Uint8Array(length).map(() => random.integer(256)),
  int4: (random, length) => new Uint8Array(length).map(() => random.integer(256)),
  uint4: (random, length) => new Uint8Array(length).map(() => random.integer(256)),
  bool: (random, length) => new Uint8Array(length).map(() => random.integer(2)),
  int16: (random, length) => new Int16Array(length).map(() => random.integer(2)),
  uint16: (random, length) => new Uint16Array(length).map(() => random.integer(2)),
  int32: (random, length) => new Int32Array(length).map(() => random.integer(2)),
  uint32: (random, length) => new Uint32Array(length).map(() => random.integer(2)),
  int64: (random, length) => new BigInt64Array(length).map(() => BigInt(random.integer(2))),
  uint64: (random, length) => new BigUint64Array(length).map(() => BigInt(random.integer(2))),
};

/** The bits of a half-precision number in [0.5, 1) with a random sign: biased exponent 14, any fraction. */
function halfInUnitInterval(random: Random): number {
  return (random.integer(2) << 15) | (14 << 10) | random.integer(1 << 10);
}
