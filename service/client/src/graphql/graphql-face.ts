/** The GraphQL face: one operation a call, by POST to `/graphql`; tensors as base64, images as files of a form. */
import { type Clock, systemClock } from "@cupel/base/portable";
import { clientError } from "../errors.ts";
import { deadlineHeader } from "../faces/deadline-header.ts";
import type { Face, FaceCall } from "../faces/face.ts";
import type { HttpClient } from "../rest/http-client.ts";
import type { Body } from "../rest/inference-body.ts";
import { problemOf } from "../rest/problem.ts";
import { mostModels, type OperationName, type Told } from "./documents.ts";
import { readAnswer } from "./read-answer.ts";
import { readInference, readPrediction } from "./read-results.ts";
import { inferVariables, jsonBody, predictForm } from "./request-body.ts";

/** @param http of one endpoint; disposed with the face */
export function createGraphqlFace(http: HttpClient, clock: Clock = systemClock): Face {
  const send = async <Name extends OperationName>(
    { headers, bytes }: Body,
    call: FaceCall,
  ): Promise<Told[Name]> => {
    const answer = await http.send({
      method: "POST",
      path: "/graphql",
      headers: { ...headers, ...deadlineHeader(call), ...call.headers },
      body: bytes,
      signal: call.signal,
    });
    return readAnswer<Name>(answer, clock.now());
  };
  const ask = <Name extends OperationName>(
    name: Name,
    variables: object,
    call: FaceCall,
  ): Promise<Told[Name]> => send<Name>(jsonBody(name, variables), call);
  return {
    /** The schema has nothing that is asked without a key; the server has REST's path for it beside every face. */
    async live({ signal, headers }) {
      const answer = await http.send({ method: "GET", path: "/v2/health/live", headers, signal });
      if (answer.status !== 200) throw problemOf(answer, clock.now());
    },
    ready: async (call) => (await ask("ready", {}, call)).server.isReady,
    modelReady: async (model, version, call) =>
      (await ask("modelReady", { model, version }, call)).model.isReady,
    serverMetadata: async (call) => (await ask("serverMetadata", {}, call)).server,
    async modelMetadata(model, version, call) {
      const { metadata } = (await ask("modelMetadata", { model, version }, call)).model;
      return {
        ...metadata,
        properties: Object.fromEntries(metadata.properties.map(({ name, value }) => [name, value])),
      };
    },
    infer: async (request, call) => readInference((await ask("infer", inferVariables(request), call)).infer),
    predict: async (request, call) =>
      readPrediction((await send<"predict">(await predictForm(request), call)).predict),
    async index(call) {
      const { models } = await ask("index", {}, call);
      if (models.length < mostModels) return models;
      throw clientError(
        "FACE_UNSUPPORTED",
        `The server has ${mostModels} versions of models or more, and GraphQL tells no more. Choose another face.`,
      );
    },
    load: async (model, call) => void (await ask("load", { model }, call)),
    unload: async (model, call) => void (await ask("unload", { model }, call)),
    statistics: async (model, call) => (await ask("statistics", { model }, call)).statistics,
    [Symbol.dispose]: () => http[Symbol.dispose](),
  };
}
