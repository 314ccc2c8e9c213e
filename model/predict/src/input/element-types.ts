/**
 * What an input's elements are made of: tensors of images are computed as floats and fed as the type that the model
 * declares. A type that holds pixels in another way is a row.
 */
import { own } from "@cupel/base";
import { writeFloat16 } from "@cupel/onnx";
import type { TypedArray } from "@cupel/runtime";
import type { Preprocessing } from "@cupel/vision";
import { predictErrors } from "../errors.ts";

interface ImageElement {
  /** Of whole numbers, the least and the largest; null for floats. */
  readonly range: readonly [low: number, high: number] | null;
  /** Rounded to the type: halves go to even, as NumPy's `rint`. */
  of(values: Float32Array<ArrayBuffer>): TypedArray;
}

const elements: Readonly<Record<string, ImageElement>> = {
  float32: { range: null, of: (values) => values },
  float64: { range: null, of: (values) => Float64Array.from(values) },
  float16: {
    range: null,
    of: writeFloat16,
  },
  uint8: { range: [0, 255], of: (values) => Uint8Array.from(values, rounded) },
  int8: { range: [-128, 127], of: (values) => Int8Array.from(values, rounded) },
  uint16: { range: [0, 2 ** 16 - 1], of: (values) => Uint16Array.from(values, rounded) },
  int16: { range: [-(2 ** 15), 2 ** 15 - 1], of: (values) => Int16Array.from(values, rounded) },
  uint32: { range: [0, 2 ** 32 - 1], of: (values) => Uint32Array.from(values, rounded) },
  int32: { range: [-(2 ** 31), 2 ** 31 - 1], of: (values) => Int32Array.from(values, rounded) },
  int64: { range: [-(2 ** 53), 2 ** 53], of: (values) => BigInt64Array.from(values, whole) },
  uint64: { range: [0, 2 ** 53], of: (values) => BigUint64Array.from(values, whole) },
};

function rounded(value: number): number {
  const nearest = Math.round(value);
  return Math.abs(value % 1) === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}

const whole = (value: number): bigint => BigInt(rounded(value));

/** Fewer levels than these of 256 are no image any more. */
const leastLevels = 32;

/** Whether an input of this type keeps what a preprocessing makes of pixels. */
export function holds(type: string, preprocessing: Preprocessing): boolean {
  const range = own(elements, type)?.range ?? null;
  if (range === null) return true;
  const [low, high] = valuesOf(preprocessing);
  return Math.round(low) >= range[0] && Math.round(high) <= range[1] && high - low >= leastLevels;
}

/** The least and the largest that a pixel becomes; alpha is no pixel. */
function valuesOf({ scale, mean, std }: Preprocessing): [low: number, high: number] {
  const ends = mean.slice(0, 3).flatMap((centre, c) => {
    const at = (x: number) => (x * scale - centre) / std[c]!;
    return [at(0), at(255)];
  });
  return [Math.min(...ends), Math.max(...ends)];
}

/**
 * @param name of the input, for the message.
 * @throws INPUT_UNSUPPORTED for a type that holds no image, or not what the preprocessing makes of it
 */
export function assertHolds(name: string, type: string, preprocessing: Preprocessing): void {
  const { range } = elementOf(name, type);
  if (range === null || holds(type, preprocessing)) return;
  const [low, high] = valuesOf(preprocessing);
  const two = (value: number) => Number(value.toFixed(2));
  throw predictErrors.error(
    "INPUT_UNSUPPORTED",
    `The input "${name}" takes whole numbers (${type}, ${range.join(" to ")}), but the preprocessing makes ${two(low)} to ${two(high)} of the pixels. ` +
      `Give one that keeps them: ${type === "int8" ? "scale=1,mean=128,std=1" : "preset=raw"}.`,
    { details: { input: name, type } },
  );
}

/** The same values as elements of a type. @throws INPUT_UNSUPPORTED */
export function elementsOf(name: string, type: string, values: Float32Array<ArrayBuffer>): TypedArray {
  return elementOf(name, type).of(values);
}

function elementOf(name: string, type: string): ImageElement {
  const held = own(elements, type);
  if (held) return held;
  throw predictErrors.error(
    "INPUT_UNSUPPORTED",
    `The input "${name}" is ${type}, which holds no image: ${Object.keys(elements).join(", ")} do.`,
    { details: { input: name, type } },
  );
}
