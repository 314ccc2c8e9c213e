/** The model repository, configuration and statistics, as Triton's extensions have them. */
import Type from "typebox";
import { count, object, type ParameterRecord, ref, text } from "./parts.ts";

const counted = () => ref("CountedTime");

export const repositorySchemas = {
  IndexRequest: object("Which versions to list.", {
    ready: Type.Optional(Type.Boolean({ description: "Only those that are ready. Default false." })),
  }),
  IndexEntry: object("A version of a model.", {
    name: text("Of the model."),
    version: text("Of the model."),
    state: Type.Unsafe<string>({
      type: "string",
      enum: ["READY", "LOADING", "UNLOADING", "UNAVAILABLE"],
    }),
    reason: text(
      "Why it is not ready, or why a READY one still answers from the file before; empty otherwise.",
    ),
    code: Type.Optional(text("Of the error that is the reason, where there is one.")),
  }),
  RepositoryIndex: Type.Array(ref("IndexEntry"), { description: "Every version that the server knows of." }),
  LoadRequest: object("How to load or unload. The body may be left out.", {
    parameters: Type.Optional(ref<ParameterRecord>("Parameters")),
  }),
  ConfigTensor: object("An input or output.", {
    name: text("Of the tensor."),
    data_type: Type.String({ examples: ["TYPE_FP32"], description: "As model_config.proto names it." }),
    dims: Type.Array(Type.Integer({ minimum: -1 }), { description: "-1 where a size is open." }),
  }),
  ModelConfig: object("A model's configuration, in Triton's form.", {
    name: text("Of the model."),
    platform: text("What runs it."),
    backend: text("What runs it."),
    max_batch_size: Type.Integer({ minimum: 0, description: "0: every dimension is told." }),
    input: Type.Array(ref("ConfigTensor")),
    output: Type.Array(ref("ConfigTensor")),
  }),
  CountedTime: object("How often, and how long in all.", {
    count: count("How often."),
    ns: count("The sum, in nanoseconds."),
  }),
  VersionStatistics: object("What a version was asked since the server started.", {
    name: text("Of the model."),
    version: text("Of the model."),
    last_inference: count("When it last answered, in ms since 1970; 0 where it has not."),
    inference_count: count("Rows answered."),
    execution_count: count("Runs of the engine."),
    inference_stats: object("Requests by outcome, and where the time of those answered went.", {
      success: counted(),
      fail: counted(),
      queue: counted(),
      compute_input: counted(),
      compute_infer: counted(),
      compute_output: counted(),
    }),
  }),
  ModelStatistics: object("An entry for each version that was asked.", {
    model_stats: Type.Array(ref("VersionStatistics")),
  }),
};
