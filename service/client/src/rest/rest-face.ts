/** The REST face: the Open Inference Protocol v2 over HTTP, tensors as JSON or as bytes behind it. */
import { type Clock, systemClock } from "@cupel/base/portable";
import { clientError } from "../errors.ts";
import { deadlineHeader } from "../faces/deadline-header.ts";
import type { Face, FaceCall } from "../faces/face.ts";
import type { CountedTime, VersionStatistics } from "../messages/metadata.ts";
import type { components } from "./gen/rest-api.ts";
import type { HttpAnswer, HttpClient, HttpRequest } from "./http-client.ts";
import { binaryBody, jsonBody, readInferenceBody } from "./inference-body.ts";
import { predictBody, readPrediction } from "./predict-body.ts";
import { problemOf } from "./problem.ts";

type Schemas = components["schemas"];

const jsonHeaders = { accept: "application/json" };

/** @param http of one endpoint; disposed with the face */
export function createRestFace(http: HttpClient, form: "json" | "binary", clock: Clock = systemClock): Face {
  const send = async (request: Omit<HttpRequest, "signal">, call: FaceCall): Promise<HttpAnswer> => {
    const answer = await http.send({
      ...request,
      headers: {
        ...request.headers,
        ...deadlineHeader(call),
        ...call.headers,
      },
      signal: call.signal,
    });
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw problemOf(answer, clock.now());
  };
  const get = async <T>(path: string, call: FaceCall): Promise<T> =>
    parse<T>(await send({ method: "GET", path, headers: jsonHeaders }, call));
  const post = (path: string, call: FaceCall) =>
    send(
      {
        method: "POST",
        path,
        headers: { ...jsonHeaders, "content-type": "application/json" },
        body: new TextEncoder().encode("{}"),
      },
      call,
    );
  /** What a 503 says is an answer here. A model or path that is not there is an error, as on the other faces. */
  const isReady = async (path: string, call: FaceCall): Promise<boolean> => {
    const answer = await http.send({ method: "GET", path, headers: call.headers, signal: call.signal });
    if (answer.status === 200) return true;
    if (answer.status === 503) return false;
    throw problemOf(answer, clock.now());
  };
  return {
    async live(call) {
      await send({ method: "GET", path: "/v2/health/live", headers: {} }, call);
    },
    ready: (call) => isReady("/v2/health/ready", call),
    modelReady: (model, version, call) => isReady(`${pathOf(model, version)}/ready`, call),
    serverMetadata: (call) => get<Schemas["ServerMetadata"]>("/v2", call),
    modelMetadata: (model, version, call) => get<Schemas["ModelMetadata"]>(pathOf(model, version), call),
    async infer(request, call) {
      const { headers, bytes } = form === "json" ? jsonBody(request) : binaryBody(request);
      const path = `${pathOf(request.model, request.version)}/infer`;
      return readInferenceBody(await send({ method: "POST", path, headers, body: bytes }, call));
    },
    async predict(request, call) {
      const { headers, bytes, query } = predictBody(request, form === "binary");
      const path = `${pathOf(request.model, request.version)}/predict${query}`;
      const answer = await send({ method: "POST", path, headers, body: bytes }, call);
      return readPrediction(parse<Schemas["PredictResponse"]>(answer));
    },
    index: async (call) => parse<Schemas["RepositoryIndex"]>(await post("/v2/repository/index", call)),
    async load(model, call) {
      await post(`/v2/repository/models/${encodeURIComponent(model)}/load`, call);
    },
    async unload(model, call) {
      await post(`/v2/repository/models/${encodeURIComponent(model)}/unload`, call);
    },
    async statistics(model, call) {
      const path = model === undefined ? "/v2/models/stats" : `${pathOf(model)}/stats`;
      const { model_stats } = await get<Schemas["ModelStatistics"]>(path, call);
      return model_stats.map(statisticsOf);
    },
    [Symbol.dispose]: () => http[Symbol.dispose](),
  };
}

function pathOf(model: string, version?: string): string {
  const path = `/v2/models/${encodeURIComponent(model)}`;
  return version === undefined ? path : `${path}/versions/${encodeURIComponent(version)}`;
}

function parse<T>({ body }: HttpAnswer): T {
  try {
    const value: T = JSON.parse(new TextDecoder().decode(body));
    if (typeof value === "object" && value !== null) return value;
  } catch (cause) {
    throw clientError("ANSWER_INVALID", "The answer is not JSON.", { cause });
  }
  throw clientError("ANSWER_INVALID", "The answer is no JSON object.");
}

function statisticsOf(of: Schemas["VersionStatistics"]): VersionStatistics {
  const { success, fail, queue, compute_input, compute_infer } = of.inference_stats;
  return {
    model: of.name,
    version: of.version,
    lastInference: of.last_inference,
    rows: of.inference_count,
    runs: of.execution_count,
    success: counted(success),
    fail: counted(fail),
    queue: counted(queue),
    input: counted(compute_input),
    run: counted(compute_infer),
  };
}

function counted({ count, ns }: Schemas["CountedTime"]): CountedTime {
  return { count, ms: ns / 1e6 };
}
