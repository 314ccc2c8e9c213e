/** A model's configuration in Triton's message. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { own } from "@cupel/base";
import type { ModelMetadata } from "../core/metadata.ts";
import { type ConfigTensor, modelConfig } from "../core/model-config.ts";
import { DataType, type ModelConfigSchema } from "./gen/inference/model_config_pb.ts";

export function modelConfigMessage(metadata: ModelMetadata): MessageInitShape<typeof ModelConfigSchema> {
  const { max_batch_size: maxBatchSize, input, output, ...rest } = modelConfig(metadata);
  return { ...rest, maxBatchSize, input: input.map(tensor), output: output.map(tensor) };
}

function tensor({ name, data_type: type, dims }: ConfigTensor) {
  return { name, dataType: own<DataType>(DataType, type) ?? DataType.TYPE_INVALID, dims: dims.map(BigInt) };
}
