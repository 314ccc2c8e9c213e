/** TensorProto to Tensor: inline bytes stay views; the typed fields (`float_data` and others) are laid out as bytes. */

import { CupelError, elementCount } from "@cupel/base";
import { onnxErrors } from "../errors.ts";
import type { TensorProto } from "../gen/onnx_pb.ts";
import {
  byteLengthOf,
  bytesOf,
  type ElementType,
  elementTypeOf,
  Tensor,
  type TensorSource,
} from "../graph/index.ts";
import { type ExternalFiles, externalLocation } from "./external-data.ts";

export function decodeTensor(proto: TensorProto, files: ExternalFiles): Tensor {
  const type = elementTypeOf(proto.dataType);
  if (!type) {
    throw onnxErrors.error(
      "TENSOR_INVALID",
      `Tensor "${proto.name}" has element type ${proto.dataType}, which ONNX up to IR 14 does not define.`,
    );
  }
  const dims = proto.dims.map(Number);
  if (dims.some((dim) => dim < 0 || !Number.isSafeInteger(dim))) {
    throw onnxErrors.error("TENSOR_INVALID", `Tensor "${proto.name}" has an impossible shape [${dims}].`);
  }
  try {
    return new Tensor(type, dims, sourceOf(proto, type, dims, files), proto);
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || thrown.code !== "TENSOR_INVALID") throw thrown;
    throw onnxErrors.error("TENSOR_INVALID", `Tensor "${proto.name}": ${thrown.message}`, { cause: thrown });
  }
}

function sourceOf(
  proto: TensorProto,
  type: ElementType,
  dims: readonly number[],
  files: ExternalFiles,
): TensorSource {
  const count = elementCount(dims);
  if (proto.dataLocation === externalLocation) {
    const entries = new Map(proto.externalData.map((entry) => [entry.key, entry.value]));
    const length = byteLengthOf(type, count);
    return files.source(entries, length);
  }
  if (type === "string") return { kind: "strings", strings: proto.stringData };
  if (proto.rawData.byteLength > 0 || count === 0) return { kind: "bytes", bytes: proto.rawData };
  return { kind: "bytes", bytes: typedFieldBytes(proto, type) };
}

/** Which typed field holds which element type, by onnx.proto. */
function typedFieldBytes(proto: TensorProto, type: ElementType): Uint8Array {
  switch (type) {
    case "float32":
    case "complex64":
      return bytesOf(Float32Array.from(proto.floatData));
    case "float64":
    case "complex128":
      return bytesOf(Float64Array.from(proto.doubleData));
    case "int64":
      return bytesOf(BigInt64Array.from(proto.int64Data));
    case "uint64":
      return bytesOf(BigUint64Array.from(proto.uint64Data));
    case "uint32":
      return bytesOf(Uint32Array.from(proto.uint64Data, Number));
    case "int32":
      return bytesOf(Int32Array.from(proto.int32Data));
    case "int16":
    case "uint16":
    case "float16":
    case "bfloat16":
      return bytesOf(Uint16Array.from(proto.int32Data));
    default:
      // Eight bits and fewer: each int32 carries one byte, already packed.
      return Uint8Array.from(proto.int32Data);
  }
}
