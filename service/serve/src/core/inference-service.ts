/**
 * The one service behind every face: a face converts, calls a method here, and converts back. Whatever holds for
 * requests whichever face they came by - validation, queues, deadlines, the cache - is behind these methods.
 */
import { type CupelError, elementCount, own, setOwn } from "@cupel/base";
import { type Feeds, runtimeErrors, type TensorData } from "@cupel/runtime";
import { serveErrors } from "../errors.ts";
import type { PredictRequest, PredictResponse } from "../images/predict-request.ts";
import type { ModelRepository } from "../repository/model-repository.ts";
import type { ModelVersion } from "../repository/model-version.ts";
import type { Call } from "./call.ts";
import { datatypeOf, datatypes } from "./datatype.ts";
import type { InferenceRequest, InferenceResponse } from "./inference.ts";
import type { IndexEntry, ModelMetadata, ServerMetadata, TensorMetadata } from "./metadata.ts";
import { type ModelReport, type ModelReports, noReports } from "./model-report.ts";
import { createStatistics, type Statistics, type VersionStatistics } from "./statistics.ts";
import type { NumberTensor, Tensor } from "./tensor.ts";

/** What is known of a request before it is read. */
export interface AskedVersion {
  readonly model: string;
  readonly version?: string | undefined;
  readonly action: "infer" | "predict";
}

export interface InferenceService {
  /**
   * Why a request for inference is refused before its body is read: it would only wait in a queue that is full, and a
   * server that has too much to do reads nothing in vain. Where answers are kept nothing is refused here: one needs no
   * room. Returned rather than thrown: what always ends by a throw, as this does for as long as a queue is full, V8
   * never compiles.
   * @returns QUEUE_LIMIT; null where there is room; a promise where somebody must hear of the refusal first, which
   * rejects with it. @throws MODEL_UNKNOWN, VERSION_UNKNOWN, MODEL_NOT_READY
   */
  noRoom(asked: AskedVersion, call: Call): CupelError | null | Promise<null>;
  /** @throws the errors of serving, of a run, and of reading images */
  infer(request: InferenceRequest, call: Call): Promise<InferenceResponse>;
  /** @throws the same, and INPUT_UNSUPPORTED where the model takes no images */
  predict(request: PredictRequest, call: Call): Promise<PredictResponse>;
  metadata(): ServerMetadata;
  /** @throws MODEL_UNKNOWN, VERSION_UNKNOWN, MODEL_NOT_READY */
  modelMetadata(model: string, version: string | undefined, call: Call): ModelMetadata;
  /**
   * How the version was made, and what that cost.
   * @throws MODEL_UNKNOWN, VERSION_UNKNOWN, MODEL_NOT_READY, REPORT_MISSING, REPORT_REFUSED
   */
  modelReport(model: string, version: string | undefined, call: Call): Promise<ModelReport>;
  isReady(): boolean;
  /** @throws MODEL_UNKNOWN, VERSION_UNKNOWN */
  isModelReady(model: string, version: string | undefined, call: Call): boolean;
  repositoryIndex(call: Call): readonly IndexEntry[];
  loadModel(model: string, call: Call): Promise<void>;
  unloadModel(model: string, call: Call): Promise<void>;
  /**
   * Counts and times since the server started, of each version that was asked.
   * @param model default: all. @throws MODEL_UNKNOWN
   */
  statistics(
    model: string | undefined,
    version: string | undefined,
    call: Call,
  ): readonly VersionStatistics[];
}

export interface InferenceServiceOptions {
  readonly repository: ModelRepository;
  /** As the server names itself, with its version. */
  readonly metadata: ServerMetadata;
  /** Default: its own, which see no runs of joined requests. */
  readonly statistics?: Statistics | undefined;
  /** Default: no version has one. */
  readonly reports?: ModelReports | undefined;
}

export function createInferenceService({
  repository,
  metadata,
  statistics = createStatistics(),
  reports = noReports,
}: InferenceServiceOptions): InferenceService {
  return {
    noRoom({ model, version }, call) {
      using lease = repository.lease(model, version);
      const refusal = lease.version.noRoom();
      if (refusal !== null) statistics.begin(lease.version, 0, call.times)[Symbol.dispose]();
      return refusal;
    },
    async infer(request, call) {
      using lease = repository.lease(request.model, request.version);
      const { version } = lease;
      using counted = statistics.begin(version, rowsOf(request.inputs), call.times);
      const feeds = await feedsOf(request.inputs, version, call);
      const { outputs } = await version.run(feeds, { fetches: request.outputs, call });
      const names = request.outputs ?? version.outputs.map(({ name }) => name);
      const response = {
        model: version.model,
        version: version.version,
        digest: version.digest,
        id: request.id,
        outputs: names.map((name) => outputOf(name, own(outputs, name)!)),
      };
      counted.succeeded();
      return response;
    },
    async predict(request, call) {
      using lease = repository.lease(request.model, request.version);
      const { version } = lease;
      using counted = statistics.begin(version, request.images.length, call.times);
      const response = await version.predict(request, call);
      counted.succeeded();
      return { ...response, digest: version.digest };
    },
    metadata: () => metadata,
    modelMetadata(model, version) {
      using lease = repository.lease(model, version);
      return metadataOf(lease.version, repository.versions(model));
    },
    async modelReport(model, version, call) {
      using lease = repository.lease(model, version);
      return await reports.of({ ...lease.version, origin: lease.origin }, call.signal);
    },
    isReady: () => repository.isReady,
    isModelReady(model, version) {
      const ready = repository.versions(model);
      return version === undefined ? ready.length > 0 : ready.some((each) => each.version === version);
    },
    repositoryIndex: () => repository.index(),
    loadModel: (model, call) => repository.load(model, call.signal),
    unloadModel: (model) => repository.unload(model),
    statistics(model, version) {
      if (model !== undefined) repository.versions(model);
      return statistics.of(model, version);
    },
  };
}

/** A request without a first dimension is one. */
function rowsOf([first]: readonly Tensor[]): number {
  return first?.shape[0] ?? 1;
}

async function feedsOf(inputs: readonly Tensor[], version: ModelVersion, call: Call): Promise<Feeds> {
  const feeds: Record<string, TensorData> = {};
  for (const tensor of inputs) {
    if (Object.hasOwn(feeds, tensor.name)) {
      throw serveErrors.error("REQUEST_INVALID", `The input "${tensor.name}" is given twice. Give it once.`);
    }
    const elements = elementCount(tensor.shape);
    if (tensor.data.length !== elements) {
      throw runtimeErrors.error(
        "INPUT_SHAPE_MISMATCH",
        `The input "${tensor.name}" of shape [${tensor.shape.join(", ")}] takes ${elements} elements; ${tensor.data.length} were sent.`,
        { details: { input: tensor.name, shape: tensor.shape, elements: tensor.data.length } },
      );
    }
    if (tensor.datatype !== "BYTES") {
      const { type } = datatypes[tensor.datatype];
      setOwn(feeds, tensor.name, { type, dims: tensor.shape, data: tensor.data });
    } else if (tensor.name === version.imageInput) {
      Object.assign(feeds, await version.prepare(tensor.data, call));
    } else {
      throw serveErrors.error(
        "DATATYPE_UNSUPPORTED",
        `The input "${tensor.name}" is BYTES, which carries encoded images: ${imageSentence(version)}`,
        { details: { input: tensor.name, imageInput: version.imageInput } },
      );
    }
  }
  return feeds;
}

function imageSentence({ model, imageInput }: ModelVersion): string {
  return imageInput === null
    ? `the model "${model}" takes no images.`
    : `the model "${model}" takes them as "${imageInput}".`;
}

function outputOf(name: string, { type, dims, data }: TensorData): NumberTensor {
  const datatype = datatypeOf(type);
  if (datatype !== null) return { name, datatype, shape: dims, data };
  throw serveErrors.error(
    "DATATYPE_UNSUPPORTED",
    `The output "${name}" is ${type}, for which the protocol has no name. Ask for other outputs.`,
    { details: { output: name, type } },
  );
}

function metadataOf(version: ModelVersion, ready: readonly ModelVersion[]): ModelMetadata {
  return {
    name: version.model,
    versions: ready.map((each) => each.version),
    platform: "onnxruntime_onnx",
    inputs: version.inputs.map(tensorMetadata),
    outputs: version.outputs.map(tensorMetadata),
    properties: version.properties,
  };
}

function tensorMetadata({ name, type, dims }: ModelVersion["inputs"][number]): TensorMetadata {
  return {
    name,
    datatype: datatypeOf(type) ?? "BYTES",
    shape: dims.map((size) => (typeof size === "number" && size >= 0 ? size : -1)),
  };
}
