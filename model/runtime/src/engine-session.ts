/**
 * One engine session in the current thread: the only file that knows ONNX Runtime's binding.
 *
 * Calls block the thread for as long as the engine works (the binding's promises only look asynchronous),
 * so it is hosted by `session-worker.ts`, or by a child process that does nothing else.
 */
import { env, InferenceSession, listSupportedBackends, Tensor } from "onnxruntime-node";
import { loadError, runError } from "./engine-errors.ts";
import type { EngineOptions } from "./engine-options.ts";
import { runtimeErrors } from "./errors.ts";
import type { Feeds } from "./feeds.ts";
import type { PostedModel } from "./model-source.ts";
import type { EngineRun } from "./session-protocol.ts";
import { isEngineElementType, type TensorData, tensorArrays, type ValueInfo } from "./tensor-data.ts";

export interface EngineSession extends AsyncDisposable {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  run(feeds: Feeds, fetches: readonly string[] | null): Promise<EngineRun>;
}

/**
 * The binding wants `Float16Array` where JavaScript has one, but its native half does not know that array.
 * A thread that hosts the engine hides it first; half precision then travels as bit patterns.
 */
export function prepareEngineThread(): void {
  Reflect.deleteProperty(globalThis, "Float16Array");
  // Everything the engine would print on standard error also arrives as an error.
  env.logLevel = "fatal";
}

export async function openEngineSession(model: PostedModel, options: EngineOptions): Promise<EngineSession> {
  const what = model.kind === "path" ? model.path : model.name;
  checkProviders(options.executionProviders);
  const session = await create(model, options).catch((thrown: unknown) => {
    throw isProviderFailure(thrown)
      ? providerError(options.executionProviders, thrown)
      : loadError(what, thrown);
  });
  const outputNames = session.outputNames;
  return {
    inputs: session.inputMetadata.map(valueInfo),
    outputs: session.outputMetadata.map(valueInfo),
    async run(feeds, fetches) {
      try {
        const tensors: Record<string, Tensor> = {};
        for (const [name, feed] of Object.entries(feeds)) {
          tensors[name] = new Tensor(tensorType(feed.type), feed.data, [...feed.dims]);
        }
        const started = performance.now();
        const results = await session.run(tensors, fetches ?? outputNames);
        const engineMs = performance.now() - started;
        const outputs: Record<string, TensorData> = {};
        for (const [name, tensor] of Object.entries(results)) outputs[name] = tensorData(name, tensor);
        return { outputs, engineMs };
      } catch (thrown) {
        throw runError(thrown);
      }
    },
    async [Symbol.asyncDispose]() {
      if (options.tracePrefix !== null) session.endProfiling();
      await session.release();
    },
  };
}

function create(model: PostedModel, options: EngineOptions): Promise<InferenceSession> {
  const engineOptions: InferenceSession.SessionOptions = {
    executionProviders: [...options.executionProviders],
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: options.optimization,
    logSeverityLevel: 4,
    extra: { ...options.configEntries },
    ...(options.tracePrefix === null
      ? {}
      : { enableProfiling: true, profileFilePrefix: options.tracePrefix }),
    ...(options.optimisedModelPath === null ? {} : { optimizedModelFilePath: options.optimisedModelPath }),
  };
  return model.kind === "path"
    ? InferenceSession.create(model.path, engineOptions)
    : InferenceSession.create(model.bytes, engineOptions);
}

function checkProviders(wanted: readonly string[]): void {
  const available = listSupportedBackends().map((backend) => backend.name);
  if (wanted.some((name) => !available.includes(name))) throw providerError(wanted);
}

function isProviderFailure(thrown: unknown): boolean {
  return (
    thrown instanceof Error && /AppendExecutionProvider|webgpu|no available backend/i.test(thrown.message)
  );
}

function providerError(wanted: readonly string[], cause?: unknown) {
  const bundled = listSupportedBackends().filter((backend) => backend.bundled);
  return runtimeErrors.error(
    "PROVIDER_UNAVAILABLE",
    `The execution providers ${wanted.join(", ")} cannot be used here. ` +
      `This build of the engine brings ${bundled.map((backend) => backend.name).join(", ")}; "cpu" always works.`,
    { details: { wanted, reason: cause instanceof Error ? cause.message : null } },
  );
}

function valueInfo(metadata: InferenceSession.ValueMetadata): ValueInfo {
  if (!metadata.isTensor) {
    throw runtimeErrors.error(
      "MODEL_UNSUPPORTED_BY_ENGINE",
      `"${metadata.name}" is no tensor. Inputs and outputs must be tensors.`,
      { details: { name: metadata.name } },
    );
  }
  return { name: metadata.name, type: metadata.type, dims: [...metadata.shape] };
}

function tensorType(type: string) {
  if (isEngineElementType(type)) return type;
  throw runtimeErrors.error("TENSOR_TYPE_MISMATCH", `The engine takes no ${type} tensors from JavaScript.`);
}

function tensorData(name: string, tensor: Tensor): TensorData {
  const { type, data, dims } = tensor;
  if (!isEngineElementType(type) || !(data instanceof tensorArrays[type])) {
    throw runtimeErrors.error("TENSOR_TYPE_MISMATCH", `The output "${name}" is ${type}, which cannot leave.`);
  }
  return { type, dims: [...dims], data };
}
