/** A model's metadata as Triton's configuration: shapes are whole, so max_batch_size is 0. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Datatype } from "../core/datatype.ts";
import type { ModelMetadata, TensorMetadata } from "../core/metadata.ts";
import { DataType, type ModelConfigSchema } from "./gen/inference/model_config_pb.ts";

const types: Readonly<Record<Datatype, DataType>> = {
  BOOL: DataType.TYPE_BOOL,
  UINT8: DataType.TYPE_UINT8,
  UINT16: DataType.TYPE_UINT16,
  UINT32: DataType.TYPE_UINT32,
  UINT64: DataType.TYPE_UINT64,
  INT8: DataType.TYPE_INT8,
  INT16: DataType.TYPE_INT16,
  INT32: DataType.TYPE_INT32,
  INT64: DataType.TYPE_INT64,
  FP16: DataType.TYPE_FP16,
  FP32: DataType.TYPE_FP32,
  FP64: DataType.TYPE_FP64,
  BYTES: DataType.TYPE_STRING,
};

export function modelConfig({
  name,
  platform,
  inputs,
  outputs,
}: ModelMetadata): MessageInitShape<typeof ModelConfigSchema> {
  return { name, platform, backend: "onnxruntime", input: inputs.map(tensor), output: outputs.map(tensor) };
}

function tensor({ name, datatype, shape }: TensorMetadata) {
  return { name, dataType: types[datatype], dims: shape.map(BigInt) };
}
