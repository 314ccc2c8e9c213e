/** What Triton's clients ask of a model besides: its configuration, and how often and how long it was asked. */
import { modelConfig } from "../../core/model-config.ts";
import type { CountedTime, VersionStatistics } from "../../core/statistics.ts";
import { jsonAnswer, modelRoutes, type Operation, type Route } from "../route.ts";

const operation: Operation = {
  id: "modelStatistics",
  tag: "Models",
  summary: "Statistics",
  description:
    "How often each version was asked since the server started, with what success, and how long it took.",
  response: { "application/json": "ModelStatistics" },
  errors: [404],
};

const statistics: Omit<Route, "path"> = {
  method: "GET",
  action: "stats",
  operation,
  answer: ({ service, params, call }) =>
    jsonAnswer({ model_stats: service.statistics(params.model, params.version, call).map(messageOf) }),
};

export const statisticsRoutes: readonly Route[] = [
  {
    ...statistics,
    path: "/v2/models/stats",
    operation: { ...operation, id: "statistics", summary: "Statistics of all models" },
  },
  ...modelRoutes("/stats", statistics),
  ...modelRoutes("/config", {
    method: "GET",
    action: "config",
    operation: {
      id: "modelConfig",
      tag: "Models",
      summary: "Model configuration",
      description: "What the metadata says, in the form of Triton's model configuration.",
      response: { "application/json": "ModelConfig" },
      errors: [404, 503],
    },
    answer: ({ service, params, call }) =>
      jsonAnswer(modelConfig(service.modelMetadata(params.model ?? "", params.version, call))),
  }),
];

function messageOf(of: VersionStatistics) {
  return {
    name: of.model,
    version: of.version,
    last_inference: Math.floor(of.lastInference),
    inference_count: of.rows,
    execution_count: of.runs,
    inference_stats: {
      success: nanoseconds(of.success),
      fail: nanoseconds(of.fail),
      queue: nanoseconds(of.queue),
      compute_input: nanoseconds(of.input),
      compute_infer: nanoseconds(of.run),
      // Written when the answer is already counted.
      compute_output: { count: 0, ns: 0 },
    },
  };
}

function nanoseconds({ count, ms }: CountedTime) {
  return { count, ns: Math.round(ms * 1e6) };
}
