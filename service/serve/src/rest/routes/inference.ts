/** Tensors in, tensors out. */
import Type from "typebox";
import { longestTimeoutMs } from "../../http/deadline.ts";
import type { Exchange } from "../exchange.ts";
import { readInferenceRequest } from "../read-request.ts";
import { modelRoutes, type Parameter, type Route } from "../route.ts";
import { wantsCbor } from "../wants-cbor.ts";
import { writeCborResponse, writeInferenceResponse } from "../write-response.ts";

export const timeoutParameter: Parameter = {
  name: "Cupel-Timeout-Ms",
  schema: Type.Integer({
    minimum: 1,
    maximum: longestTimeoutMs,
    description: "How long the client waits, in ms. What is not answered by then is taken out of the queue.",
  }),
};

export const timingParameter: Parameter = {
  name: "Cupel-Timing",
  schema: Type.Unsafe<string>({
    type: "string",
    enum: ["1"],
    description: "With 1, the answer says in Server-Timing where its time went.",
  }),
};

const headerLength: Parameter = {
  name: "Inference-Header-Content-Length",
  schema: Type.Integer({
    minimum: 0,
    description: "Where bytes of tensors follow the JSON: the length of the JSON.",
  }),
};

/** Before the body is read. @throws QUEUE_LIMIT */
export async function assertRoom(
  { service, params, call }: Exchange,
  action: "infer" | "predict",
): Promise<void> {
  const { model = "", version } = params;
  const refusal = await service.noRoom({ model, version, action }, call);
  if (refusal !== null) throw refusal;
}

export const inferenceRoutes: readonly Route[] = modelRoutes("/infer", {
  method: "POST",
  action: "infer",
  operation: {
    id: "infer",
    tag: "Inference",
    summary: "Infer",
    description:
      "Runs the model on the tensors sent. Tensors are JSON, or bytes behind the JSON (Triton's binary tensor extension), or typed arrays of CBOR (RFC 8746). CBOR is answered in CBOR unless `Accept` says otherwise.",
    headers: [headerLength, timeoutParameter, timingParameter],
    request: {
      "application/json": "InferenceRequest",
      "application/octet-stream": "bytes",
      "application/cbor": "bytes",
    },
    response: {
      "application/json": "InferenceResponse",
      "application/octet-stream": "bytes",
      "application/cbor": "bytes",
    },
    errors: [400, 404, 406, 413, 415, 422, 429, 503, 504],
  },
  async answer(exchange) {
    await assertRoom(exchange, "infer");
    const { request, isBinary } = await readInferenceRequest(exchange);
    const response = await exchange.service.infer(request, exchange.call);
    const start = performance.now();
    const answer = wantsCbor(exchange)
      ? writeCborResponse(response)
      : writeInferenceResponse(response, isBinary);
    exchange.call.times.encode = performance.now() - start;
    return answer;
  },
});
