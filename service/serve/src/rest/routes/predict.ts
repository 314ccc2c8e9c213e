/** Images in, answers out. */
import { preferredType } from "../../http/content-type.ts";
import { imageTypes, readPredictRequest } from "../read-predict-request.ts";
import { modelRoutes, type Parameter, type Route } from "../route.ts";
import { predictOptions } from "../schema/predict.ts";
import { wantsCbor } from "../wants-cbor.ts";
import { writeCborPrediction, writeDrawing, writePredictResponse } from "../write-predict-response.ts";
import { assertRoom, timeoutParameter, timingParameter } from "./inference.ts";

const query: readonly Parameter[] = Object.entries(predictOptions.properties).map(([name, schema]) => ({
  name,
  schema,
}));

const writers = {
  "application/json": writePredictResponse,
  "application/cbor": writeCborPrediction,
  "image/png": writeDrawing,
};

export const predictRoutes: readonly Route[] = modelRoutes("/predict", {
  method: "POST",
  action: "predict",
  operation: {
    id: "predict",
    tag: "Inference",
    summary: "Predict",
    description:
      "Classes, boxes or masks of images, as the model's task has them. The body is an image, or bare pixels with their format and size in the query, or JSON with many images as base64, or CBOR with them as byte strings. With `Accept: image/png` the answer is the picture with what was found drawn into it.",
    query,
    headers: [timeoutParameter, timingParameter],
    request: {
      "application/json": "PredictRequest",
      ...Object.fromEntries(imageTypes.map((type) => [type, "bytes"] as const)),
      "application/octet-stream": "bytes",
      "application/cbor": "bytes",
    },
    response: { "application/json": "PredictResponse", "application/cbor": "bytes", "image/png": "bytes" },
    errors: [400, 404, 406, 413, 415, 422, 429, 503, 504],
  },
  async answer(exchange) {
    const accept = exchange.header("accept");
    const form = wantsCbor(exchange) ? "application/cbor" : "application/json";
    const type = preferredType(accept, [form, "image/png"]);
    await assertRoom(exchange, "predict");
    const request = await readPredictRequest(exchange);
    const asked = type === "image/png" ? { ...request, draw: true } : request;
    const response = await exchange.service.predict(asked, exchange.call);
    const start = performance.now();
    const answer = writers[type](response);
    exchange.call.times.encode = performance.now() - start;
    return answer;
  },
});
