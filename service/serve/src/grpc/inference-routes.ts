/** The Open Inference Protocol's service, with what Triton's client calls besides. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Call } from "../core/call.ts";
import { addTimes, type StageTimes } from "../core/inference.ts";
import type { InferenceService } from "../core/inference-service.ts";
import type { TensorMetadata } from "../core/metadata.ts";
import { serveErrors } from "../errors.ts";
import { answer, answerMany } from "./admitted-call.ts";
import { errorText } from "./connect-error.ts";
import type {
  GRPCInferenceService,
  ModelInferRequest,
  ModelStreamInferResponseSchema,
} from "./gen/inference/inference_service_pb.ts";
import { mapInOrder } from "./map-in-order.ts";
import { modelConfigMessage } from "./model-config.ts";
import { modelStatistics } from "./model-statistics.ts";
import { readInferenceRequest } from "./read-request.ts";
import { untilStopped } from "./until-stopped.ts";
import { writeInferenceResponse } from "./write-response.ts";

export interface InferenceRoutesOptions {
  readonly service: InferenceService;
  /** Requests of one stream that are answered at once. */
  readonly streamConcurrency: number;
  /** Fires when the server takes nothing new. */
  readonly stopping: AbortSignal;
}

/** What admission calls each method. */
export const inferenceActions: Readonly<Record<string, string>> = {
  ServerLive: "live",
  ServerReady: "ready",
  ModelReady: "ready",
  ServerMetadata: "metadata",
  ModelMetadata: "metadata",
  ModelInfer: "infer",
  ModelStreamInfer: "infer",
  ModelConfig: "config",
  ModelStatistics: "stats",
  RepositoryIndex: "index",
  RepositoryModelLoad: "load",
  RepositoryModelUnload: "unload",
};

type StreamAnswer = MessageInitShape<typeof ModelStreamInferResponseSchema>;

/** Of a stream's request: whether each answer shall say that it is the last one. */
function isFinalAsked({ parameters }: ModelInferRequest): boolean {
  return parameters.triton_enable_empty_final_response?.parameterChoice.value === true;
}

export function inferenceRoutes(options: InferenceRoutesOptions): ServiceImpl<typeof GRPCInferenceService> {
  const { service, streamConcurrency, stopping } = options;

  const infer = async (message: ModelInferRequest, call: Call) => {
    const start = performance.now();
    const request = readInferenceRequest(message);
    call.times.decode = performance.now() - start;
    const response = await service.infer(request, call);
    const computed = performance.now();
    const written = writeInferenceResponse(response, isFinalAsked(message));
    call.times.encode = performance.now() - computed;
    return written;
  };
  /** A failure is an answer too, and the stream goes on. */
  const inferOfStream = async (
    request: ModelInferRequest,
    call: Call,
    sum: StageTimes,
  ): Promise<StreamAnswer> => {
    const times: StageTimes = {};
    try {
      const inferResponse = await infer(request, { ...call, times });
      addTimes(sum, times);
      return { inferResponse };
    } catch (thrown) {
      const { id, modelName, modelVersion } = request;
      return { errorMessage: errorText(thrown, call.signal), inferResponse: { id, modelName, modelVersion } };
    }
  };

  return {
    serverLive: (_request, context) => answer(context, () => ({ live: true })),
    serverReady: (_request, context) => answer(context, () => ({ ready: service.isReady() })),
    modelReady: (request, context) =>
      answer(context, (call) => ({
        ready: service.isModelReady(request.name, given(request.version), call),
      })),
    serverMetadata: (_request, context) =>
      answer(context, () => {
        const { name, version, extensions } = service.metadata();
        return { name, version, extensions: [...extensions] };
      }),
    modelMetadata: (request, context) =>
      answer(context, (call) => {
        const metadata = service.modelMetadata(request.name, given(request.version), call);
        const { name, versions, platform, inputs, outputs, properties } = metadata;
        return {
          name,
          versions: [...versions],
          platform,
          inputs: inputs.map(tensorMetadata),
          outputs: outputs.map(tensorMetadata),
          properties,
        };
      }),
    modelInfer: (request, context) => answer(context, (call) => infer(request, call)),
    modelStreamInfer: (requests, context) =>
      answerMany(context, async function* (call, times) {
        const accepted = untilStopped(requests, AbortSignal.any([stopping, call.signal]));
        yield* mapInOrder(accepted, streamConcurrency, (request) => inferOfStream(request, call, times));
        if (!stopping.aborted) return;
        throw serveErrors.error(
          "SERVER_STOPPING",
          "The server is shutting down. Open the stream on another.",
        );
      }),
    modelConfig: (request, context) =>
      answer(context, (call) => ({
        config: modelConfigMessage(service.modelMetadata(request.name, given(request.version), call)),
      })),
    modelStatistics: (request, context) =>
      answer(context, (call) => ({
        modelStats: service
          .statistics(given(request.name), given(request.version), call)
          .map(modelStatistics),
      })),
    repositoryIndex: (request, context) =>
      answer(context, (call) => {
        const entries = service
          .repositoryIndex(call)
          .filter(({ state }) => !request.ready || state === "READY");
        return { models: entries.map((entry) => ({ ...entry })) };
      }),
    repositoryModelLoad: (request, context) =>
      answer(context, async (call) => {
        refuseParameters(request.parameters);
        await service.loadModel(request.modelName, call);
        return {};
      }),
    repositoryModelUnload: (request, context) =>
      answer(context, async (call) => {
        refuseParameters(request.parameters);
        await service.unloadModel(request.modelName, call);
        return {};
      }),
  };
}

/** What Triton's client always sends, and means nothing here. */
const harmless = new Set(["unload_dependents"]);

function refuseParameters(parameters: Readonly<Record<string, unknown>>): void {
  const name = Object.keys(parameters).find((each) => !harmless.has(each));
  if (name === undefined) return;
  throw serveErrors.error(
    "REQUEST_INVALID",
    `The parameter "${name}" is not taken: models and their configuration are read from the folder that is served.`,
    { details: { parameter: name } },
  );
}

/** What is left empty is not given. */
function given(text: string): string | undefined {
  return text || undefined;
}

function tensorMetadata({ name, datatype, shape }: TensorMetadata) {
  return { name, datatype, shape: shape.map(BigInt) };
}
