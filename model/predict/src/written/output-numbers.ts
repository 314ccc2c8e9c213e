/** The numbers of an output whatever its element type, and whether they are quantities or names of something. */
import { Tensor } from "@cupel/onnx";
import type { TensorData } from "@cupel/runtime";

/** In row-major order. Half precision is widened; 4-bit integers stay packed two to a byte. */
export function numbersOf({ type, dims, data }: TensorData): ArrayLike<number> {
  if (type === "float16") {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return Tensor.fromBytes("float16", dims, bytes.slice()).toFloat32();
  }
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Array.from(data, Number);
  return data;
}

const names: readonly string[] = ["bool", "int32", "int64", "uint32", "uint64", "int4", "uint4"];

/** Wide integers and truths name classes, positions or counts: one beside the right one is wrong, not nearly right. */
export function areNames({ type }: Pick<TensorData, "type">): boolean {
  return names.includes(type);
}
