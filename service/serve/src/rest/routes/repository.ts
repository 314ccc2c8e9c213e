/** The models on the server: which there are, load, unload (Triton's model repository extension). */
import { serveErrors } from "../../errors.ts";
import { parseJson } from "../../http/parse-json.ts";
import type { Exchange } from "../exchange.ts";
import { jsonAnswer, type Route } from "../route.ts";
import { conformer } from "../schema/conform.ts";

const conformIndex = conformer("IndexRequest");
const conformLoad = conformer("LoadRequest");

/** Parameters that change nothing here: the server has no models that depend on others. */
const harmless = ["unload_dependents"];

/** Empty, it asks for nothing in particular. */
async function optionalBody({ body }: Exchange): Promise<unknown> {
  const bytes = await body();
  return bytes.length === 0 ? {} : parseJson(bytes);
}

async function checkParameters(exchange: Exchange): Promise<void> {
  const { parameters = {} } = conformLoad(await optionalBody(exchange));
  const [name] = Object.keys(parameters).filter((each) => !harmless.includes(each));
  if (name === undefined) return;
  throw serveErrors.error(
    "REQUEST_INVALID",
    `The parameter "${name}" is not taken: models and their configuration are read from the folder that is served.`,
    { details: { parameter: name } },
  );
}

export const repositoryRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v2/repository/index",
    action: "index",
    operation: {
      id: "repositoryIndex",
      tag: "Repository",
      summary: "List the models",
      description: "Every version of every model that the server knows of, and why one is not ready.",
      request: { "application/json": "IndexRequest" },
      mayBeEmpty: true,
      response: { "application/json": "RepositoryIndex" },
      errors: [400, 413, 415],
    },
    async answer(exchange) {
      const { ready } = conformIndex(await optionalBody(exchange));
      const entries = exchange.service.repositoryIndex(exchange.call);
      return jsonAnswer(ready ? entries.filter(({ state }) => state === "READY") : entries);
    },
  },
  {
    method: "POST",
    path: "/v2/repository/models/{model}/load",
    action: "load",
    operation: {
      id: "loadModel",
      tag: "Repository",
      summary: "Load a model",
      description:
        "Reads the model's folder again: what is new or changed is loaded and then switched to. What was loaded stays where that fails.",
      request: { "application/json": "LoadRequest" },
      mayBeEmpty: true,
      response: {},
      errors: [400, 403, 404, 413, 415, 422, 503],
    },
    async answer(exchange) {
      await checkParameters(exchange);
      await exchange.service.loadModel(exchange.params.model ?? "", exchange.call);
      return {};
    },
  },
  {
    method: "POST",
    path: "/v2/repository/models/{model}/unload",
    action: "unload",
    operation: {
      id: "unloadModel",
      tag: "Repository",
      summary: "Unload a model",
      description: "Takes the model out of service at once; what it had accepted is answered.",
      request: { "application/json": "LoadRequest" },
      mayBeEmpty: true,
      response: {},
      errors: [400, 403, 404, 413, 415],
    },
    async answer(exchange) {
      await checkParameters(exchange);
      await exchange.service.unloadModel(exchange.params.model ?? "", exchange.call);
      return {};
    },
  },
];
