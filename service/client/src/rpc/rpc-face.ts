/**
 * gRPC, gRPC-Web, Connect, and gRPC's frames over a WebSocket: the same methods, over a transport of connect's. What the
 * four have apart is the transport.
 */
import { type CallOptions, createClient, type Transport } from "@connectrpc/connect";
import { reasonOf } from "@cupel/base/portable";
import { optionInvalid } from "../errors.ts";
import type { Face, FaceCall } from "../faces/face.ts";
import type { InferenceRequest, StreamAnswer } from "../messages/inference.ts";
import type { CountedTime, TensorMetadata, VersionStatistics } from "../messages/metadata.ts";
import { VisionService } from "./gen/cupel/v1/vision_pb.ts";
import {
  GRPCInferenceService,
  type ModelMetadataResponse_TensorMetadata as MetadataMessage,
  type ModelStatistics,
  type StatisticDuration,
} from "./gen/inference/inference_service_pb.ts";
import { inferMessage, readInferMessage, readStreamMessage } from "./infer-messages.ts";
import { predictMessage, readPredictMessage } from "./predict-messages.ts";
import { rpcError } from "./rpc-error.ts";

/** A transport and who ends its connections. */
export interface OwnedTransport extends Disposable {
  readonly transport: Transport;
  /** Whether streams go in both directions at once. */
  readonly isBidirectional: boolean;
}

/** @param owned of one endpoint; disposed with the face */
export function createRpcFace(owned: OwnedTransport): Face {
  const inference = createClient(GRPCInferenceService, owned.transport);
  const vision = createClient(VisionService, owned.transport);
  const ask = async <T>(call: FaceCall, send: (options: CallOptions) => Promise<T>): Promise<T> => {
    try {
      return await send(optionsOf(call));
    } catch (thrown) {
      throw rpcError(thrown, call.signal);
    }
  };
  async function* inferStream(
    requests: AsyncIterable<InferenceRequest>,
    call: FaceCall,
  ): AsyncGenerator<StreamAnswer> {
    try {
      for await (const message of inference.modelStreamInfer(messagesOf(requests), optionsOf(call)))
        yield readStreamMessage(message);
    } catch (thrown) {
      throw rpcError(thrown, call.signal);
    }
  }
  return {
    live: (call) => ask(call, async (options) => void (await inference.serverLive({}, options))),
    ready: (call) => ask(call, async (options) => (await inference.serverReady({}, options)).ready),
    modelReady: (name, version = "", call) =>
      ask(call, async (options) => (await inference.modelReady({ name, version }, options)).ready),
    serverMetadata: (call) =>
      ask(call, async (options) => {
        const { name, version, extensions } = await inference.serverMetadata({}, options);
        return { name, version, extensions };
      }),
    modelMetadata: (asked, version = "", call) =>
      ask(call, async (options) => {
        const told = await inference.modelMetadata({ name: asked, version }, options);
        const { name, versions, platform, properties } = told;
        return {
          name,
          versions,
          platform,
          properties,
          inputs: told.inputs.map(tensorMetadata),
          outputs: told.outputs.map(tensorMetadata),
        };
      }),
    infer: (request, call) =>
      ask(call, async (options) =>
        readInferMessage(await inference.modelInfer(made(inferMessage, request), options)),
      ),
    predict: (request, call) =>
      ask(call, async (options) =>
        readPredictMessage(await vision.predict(made(predictMessage, request), options)),
      ),
    index: (call) =>
      ask(call, async (options) =>
        (await inference.repositoryIndex({}, options)).models.map(({ name, version, state, reason }) => ({
          name,
          version,
          state,
          reason,
        })),
      ),
    load: (modelName, call) =>
      ask(call, async (options) => void (await inference.repositoryModelLoad({ modelName }, options))),
    unload: (modelName, call) =>
      ask(call, async (options) => void (await inference.repositoryModelUnload({ modelName }, options))),
    statistics: (name = "", call) =>
      ask(call, async (options) =>
        (await inference.modelStatistics({ name }, options)).modelStats.map(statisticsOf),
      ),
    ...(owned.isBidirectional ? { inferStream } : {}),
    [Symbol.dispose]: () => owned[Symbol.dispose](),
  };
}

function optionsOf({ signal, timeoutMs, headers }: FaceCall): CallOptions {
  return {
    signal,
    headers: { ...headers },
    ...(timeoutMs === null ? {} : { timeoutMs: Math.max(1, Math.ceil(timeoutMs)) }),
  };
}

/** @throws OPTION_INVALID what has no form as a message, such as a shape that is not of whole numbers */
function made<Request, Message>(make: (request: Request) => Message, request: Request): Message {
  try {
    return make(request);
  } catch (cause) {
    throw optionInvalid(`The request has no form as a message: ${reasonOf(cause)}`, cause);
  }
}

async function* messagesOf(requests: AsyncIterable<InferenceRequest>) {
  for await (const request of requests) yield made(inferMessage, request);
}

function tensorMetadata({ name, datatype, shape }: MetadataMessage): TensorMetadata {
  return { name, datatype, shape: shape.map(Number) };
}

function statisticsOf(of: ModelStatistics): VersionStatistics {
  const times = of.inferenceStats;
  return {
    model: of.name,
    version: of.version,
    lastInference: Number(of.lastInference),
    rows: Number(of.inferenceCount),
    runs: Number(of.executionCount),
    success: counted(times?.success),
    fail: counted(times?.fail),
    queue: counted(times?.queue),
    input: counted(times?.computeInput),
    run: counted(times?.computeInfer),
  };
}

function counted(told: StatisticDuration | undefined): CountedTime {
  return { count: Number(told?.count ?? 0), ms: Number(told?.ns ?? 0) / 1e6 };
}
