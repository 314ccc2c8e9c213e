/** What the server says of itself and of its models (Open Inference Protocol v2). */
import Type from "typebox";
import { object, ref, text } from "./parts.ts";

export const metadataSchemas = {
  ServerMetadata: object("What the server is and which extensions of the protocol it has.", {
    name: text("Of the server."),
    version: text("Of the server."),
    extensions: Type.Array(Type.String()),
  }),
  TensorMetadata: object("An input or output of a model.", {
    name: text("Of the tensor."),
    datatype: text("As the protocol names it: FP32, INT64 ..."),
    shape: Type.Array(Type.Integer({ minimum: -1 }), { description: "-1 where a size is open." }),
  }),
  ModelMetadata: object("What a model takes and gives.", {
    name: text("Of the model."),
    versions: Type.Array(Type.String(), { description: "Those that are ready, the current one last." }),
    platform: text("What runs it."),
    inputs: Type.Array(ref("TensorMetadata")),
    outputs: Type.Array(ref("TensorMetadata")),
    properties: Type.Unsafe<Readonly<Record<string, string>>>({
      type: "object",
      description: "What the file says of itself: task, classes, preprocessing.",
      additionalProperties: { type: "string" },
    }),
  }),
  ModelReport: Type.Unsafe<Readonly<Record<string, unknown>>>({
    type: "object",
    description:
      "A report of cupel compress, as it lies beside the model; its format says which members it has.",
    properties: { format: { type: "string", description: "cupel-report/ and its version." } },
    required: ["format"],
  }),
  PathIndex: object("Where to look.", {
    faces: Type.Array(Type.String(), { description: "What the server speaks, on this port." }),
    paths: Type.Unsafe<Readonly<Record<string, string>>>({
      type: "object",
      description: "What is at each path.",
      additionalProperties: { type: "string" },
    }),
  }),
};
