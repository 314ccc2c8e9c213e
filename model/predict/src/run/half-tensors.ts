/**
 * Models whose inputs or outputs are float16 are fed and read in float32 by everything here: the engine gives and
 * takes bit patterns, which are converted at this one place.
 */
import { readFloat16, writeFloat16 } from "@cupel/onnx";
import type { TensorData } from "@cupel/runtime";

/** A float32 tensor in the type an input declares; as it is where that is not float16. */
export function halvedFor(
  type: string | undefined,
  tensor: TensorData & { readonly data: Float32Array },
): TensorData {
  return type === "float16" ? { ...tensor, type, data: writeFloat16(tensor.data) } : tensor;
}

/** A float16 tensor in float32; another as it is. */
export function widened(tensor: TensorData): TensorData {
  const { type, data } = tensor;
  return type === "float16" && data instanceof Uint16Array
    ? { ...tensor, type: "float32", data: readFloat16(data) }
    : tensor;
}
