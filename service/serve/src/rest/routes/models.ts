/** What a model takes and gives, and whether it is ready. */
import { jsonAnswer, modelRoutes, type Route } from "../route.ts";

export const modelRouteTable: readonly Route[] = [
  ...modelRoutes("", {
    method: "GET",
    action: "metadata",
    operation: {
      id: "modelMetadata",
      tag: "Models",
      summary: "Model metadata",
      description: "The inputs and outputs of a model, its versions, and what its file says of itself.",
      response: { "application/json": "ModelMetadata" },
      errors: [404, 503],
    },
    answer: ({ service, params, call }) =>
      jsonAnswer(service.modelMetadata(params.model ?? "", params.version, call)),
  }),
  ...modelRoutes("/ready", {
    method: "GET",
    action: "ready",
    operation: {
      id: "modelReady",
      tag: "Models",
      summary: "Model ready",
      description: "200 when the model takes requests, else 503.",
      response: {},
      errors: [404, 503],
    },
    answer: ({ service, params, call }) => ({
      status: service.isModelReady(params.model ?? "", params.version, call) ? 200 : 503,
    }),
  }),
];
