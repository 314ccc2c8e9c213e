/**
 * One engine session in the current thread: with `engine-state.ts` the only file that
 * calls ONNX Runtime's binding.
 *
 * Calls block the thread for as long as the engine works (the binding's promises only look asynchronous),
 * so it is hosted by `engine-worker.ts`, or by a child process that does nothing else.
 */
import { elementCount, freeBuffer, own, setOwn } from "@cupel/base";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { runtimeErrors } from "../errors.ts";
import { loadError, runError } from "./engine-errors.ts";
import type { EngineOptions } from "./engine-options.ts";
import { loadEngine } from "./engine-package.ts";
import type { EngineRun } from "./engine-protocol.ts";
import { EngineState } from "./engine-state.ts";
import type { Feeds, Targets } from "./feeds.ts";
import type { PostedModel } from "./model-source.ts";
import { metSentinel, sentinelName } from "./sentinel.ts";
import type { StateBinding } from "./state-binding.ts";
import {
  arrayLength,
  bytesOf,
  engineElementType,
  isEngineElementType,
  type TensorData,
  type TypedArray,
  tensorArrays,
  type ValueInfo,
} from "./tensor-data.ts";

const engine = loadEngine();

export interface EngineRunOptions {
  /** Takes outputs instead of the result. */
  readonly into?: Targets;
  /** Default true. */
  readonly renewsState?: boolean;
}

export interface EngineSession extends AsyncDisposable {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly state: EngineState;
  /** @param fetches null for all outputs that are no state. */
  run(feeds: Feeds, fetches: readonly string[] | null, options?: EngineRunOptions): Promise<EngineRun>;
}

/**
 * The binding wants `Float16Array` where JavaScript has one, but its native half does not know that array.
 * A thread that hosts the engine hides it first; half precision then travels as bit patterns.
 */
export function prepareEngineThread(): void {
  Reflect.deleteProperty(globalThis, "Float16Array");
  // Everything the engine would print on standard error also arrives as an error.
  engine.env.logLevel = "fatal";
}

export async function openEngineSession(
  model: PostedModel,
  options: EngineOptions,
  bindings: readonly StateBinding[] = [],
): Promise<EngineSession> {
  checkProviders(options.executionProviders);
  const session = await create(model, options).catch((thrown: unknown) => {
    throw isProviderFailure(thrown)
      ? providerError(options.executionProviders, thrown)
      : loadError(model.name, thrown);
  });
  // The engine has its own copy of what it read.
  if (model.kind === "bytes") freeBuffer(model.bytes);
  const { inputs, outputs, state } = await describe(session, bindings);
  const successors = new Set(bindings.map((binding) => binding.output));
  const outputNames = outputs.map((output) => output.name).filter((name) => !successors.has(name));
  const hasSentinel = session.outputNames.includes(sentinelName);

  /** With state, first in the way that copies nothing; a run that fails in it may still succeed in the plain one. */
  async function execute(feeds: Record<string, Tensor>, wanted: readonly string[]) {
    const written = state.bind(feeds);
    const buffers = hasSentinel ? outputBuffers(outputs, wanted) : null;
    if (buffers !== null) {
      try {
        return await session.run(feeds, { [sentinelName]: null, ...buffers, ...written });
      } catch (thrown) {
        if (metSentinel(thrown)) return buffers;
      }
    }
    const fetches: Record<string, Tensor | null> = { ...written };
    for (const name of wanted) setOwn(fetches, name, null);
    return session.run(feeds, fetches);
  }

  return {
    inputs,
    outputs,
    state,
    async run(feeds, fetches, { into = {}, renewsState = true } = {}) {
      try {
        const tensors: Record<string, Tensor> = {};
        for (const [name, feed] of Object.entries(feeds)) {
          const { type, dims, data } = feed;
          setOwn(tensors, name, new engine.Tensor(engineElementType(type), data, [...dims]));
        }
        const wanted = fetches ?? outputNames;
        const started = performance.now();
        const results = await execute(tensors, wanted);
        const engineMs = performance.now() - started;
        const outputs: Record<string, TensorData> = {};
        for (const name of wanted) {
          const output = tensorData(name, own(results, name)!);
          const target = own(into, name);
          if (target === undefined) setOwn(outputs, name, output);
          else copyOutput(name, output, target);
        }
        state.advance(results, renewsState);
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
    enableMemPattern: options.memoryPattern,
    extra: { ...options.configEntries },
    ...(options.tracePrefix === null
      ? {}
      : { enableProfiling: true, profileFilePrefix: options.tracePrefix }),
    ...(options.optimisedModelPath === null ? {} : { optimizedModelFilePath: options.optimisedModelPath }),
  };
  return model.kind === "path"
    ? engine.InferenceSession.create(model.path, engineOptions)
    : engine.InferenceSession.create(model.bytes, engineOptions);
}

/** Releases the session when it cannot be described in our terms. */
async function describe(session: InferenceSession, bindings: readonly StateBinding[]) {
  try {
    const inputs = session.inputMetadata.map(valueInfo);
    const outputs = session.outputMetadata.filter(({ name }) => name !== sentinelName).map(valueInfo);
    return { inputs, outputs, state: new EngineState(bindings, { inputs, outputs }) };
  } catch (thrown) {
    await session.release();
    throw thrown;
  }
}

function checkProviders(wanted: readonly string[]): void {
  const available = engine.listSupportedBackends().map((backend) => backend.name);
  if (wanted.some((name) => !available.includes(name))) throw providerError(wanted);
}

function isProviderFailure(thrown: unknown): boolean {
  return (
    thrown instanceof Error && /AppendExecutionProvider|webgpu|no available backend/i.test(thrown.message)
  );
}

function providerError(wanted: readonly string[], cause?: unknown) {
  const bundled = engine.listSupportedBackends().filter((backend) => backend.bundled);
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

/** A buffer for each of the outputs, or null when the size of one is only known once it is computed. */
function outputBuffers(outputs: readonly ValueInfo[], wanted: readonly string[]) {
  const buffers: Record<string, Tensor> = {};
  for (const { name, type, dims } of outputs) {
    if (!wanted.includes(name)) continue;
    const sizes = dims.filter((dim) => typeof dim === "number");
    if (sizes.length < dims.length || !isEngineElementType(type)) return null;
    const array = new tensorArrays[type](arrayLength(type, elementCount(sizes)));
    setOwn(buffers, name, new engine.Tensor(type, array, sizes));
  }
  return buffers;
}

function tensorData(name: string, tensor: Tensor): TensorData {
  const { type, data, dims } = tensor;
  if (!isEngineElementType(type) || !(data instanceof tensorArrays[type])) {
    throw runtimeErrors.error("TENSOR_TYPE_MISMATCH", `The output "${name}" is ${type}, which cannot leave.`);
  }
  return { type, dims: [...dims], data };
}

function copyOutput(name: string, { dims, data }: TensorData, target: TypedArray): void {
  if (target.length !== data.length) {
    throw new RangeError(
      `the output "${name}" of shape [${dims.join(", ")}] does not fit an array of ${target.length} elements.`,
    );
  }
  bytesOf(target).set(bytesOf(data));
}
