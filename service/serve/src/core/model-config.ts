/**
 * A model's configuration as Triton's clients ask for it (model_config.proto): what its metadata says, in other names.
 * Every dimension is told, and the maximum of the batch is 0, which means that no dimension is left out.
 */
import type { Datatype } from "./datatype.ts";
import type { ModelMetadata, TensorMetadata } from "./metadata.ts";

export interface ModelConfig {
  readonly name: string;
  readonly platform: string;
  readonly backend: string;
  readonly max_batch_size: number;
  readonly input: readonly ConfigTensor[];
  readonly output: readonly ConfigTensor[];
}

export interface ConfigTensor {
  readonly name: string;
  readonly data_type: string;
  readonly dims: readonly number[];
}

export function modelConfig({ name, platform, inputs, outputs }: ModelMetadata): ModelConfig {
  return {
    name,
    platform,
    backend: "onnxruntime",
    max_batch_size: 0,
    input: inputs.map(configTensor),
    output: outputs.map(configTensor),
  };
}

function configTensor({ name, datatype, shape }: TensorMetadata): ConfigTensor {
  return { name, data_type: configType(datatype), dims: shape };
}

function configType(datatype: Datatype): string {
  return datatype === "BYTES" ? "TYPE_STRING" : `TYPE_${datatype}`;
}
