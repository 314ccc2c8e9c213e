/** The graph the engine will actually run: after constant folding, fusion and layout changes for this processor. */

import { join } from "node:path";
import { openTemporaryFolder } from "@cupel/base";
import { type Model, readModelFile, Tensor } from "@cupel/onnx";
import type { ModelSource } from "../session/model-source.ts";
import { openSession, type SessionOptions } from "../session/session.ts";

export type OptimisedGraphOptions = Pick<
  SessionOptions,
  "optimization" | "executionProviders" | "freeDimensions" | "configEntries" | "signal"
>;

const weightsFile = "weights.bin";

/**
 * Lets the engine optimise a model and reads the outcome. With "all" (the default) it may hold operators
 * that only this engine and this processor have; it is for looking at, not for shipping.
 *
 * The engine writes large weights to a file of their own, since protobuf ends at 2 GiB. That file is gone
 * afterwards: they are read before.
 * @throws what `openSession` throws
 */
export async function optimisedGraph(
  source: ModelSource,
  options: OptimisedGraphOptions = {},
): Promise<Model> {
  await using folder = await openTemporaryFolder();
  const path = join(folder.path, "optimised.onnx");
  const session = await openSession(source, {
    ...options,
    threads: 1,
    optimisedModelPath: path,
    configEntries: {
      ...options.configEntries,
      "session.optimized_model_external_initializers_file_name": weightsFile,
      "session.optimized_model_external_initializers_min_size_in_bytes": "65536",
    },
  });
  await session.close();
  const model = await readModelFile(path);
  for (const value of model.graph.initializers) {
    const { constant } = value;
    if (constant?.source.kind !== "external") continue;
    model.graph.setConstant(value, Tensor.fromBytes(constant.type, constant.dims, constant.bytes()));
  }
  return model;
}
