/** Tensors in, tensors out (Open Inference Protocol v2, with Triton's binary tensor extension). */
import Type from "typebox";
import { object, type ParameterRecord, ref, text } from "./parts.ts";

function shape() {
  return Type.Array(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), {
    maxItems: 64,
    description: "Its dimensions, the slowest first.",
  });
}

const RequestTensor = object(
  "An input: with `data`, or with the parameter `binary_data_size` and its bytes after the JSON.",
  {
    name: text("Of the input."),
    datatype: Type.String({ examples: ["FP32"], description: "As the protocol names it." }),
    shape: shape(),
    parameters: Type.Optional(ref<ParameterRecord>("Parameters")),
    data: Type.Optional(ref<readonly unknown[]>("TensorData")),
  },
);

const RequestedOutput = object(
  "An output wanted. Its parameter `binary_data` asks for its bytes after the JSON.",
  {
    name: text("Of the output."),
    parameters: Type.Optional(ref<ParameterRecord>("Parameters")),
  },
);

export type RequestTensor = Type.Static<typeof RequestTensor>;
export type RequestedOutput = Type.Static<typeof RequestedOutput>;

export const inferenceSchemas = {
  Parameters: Type.Unsafe<ParameterRecord>({
    type: "object",
    description: "Named values beside the tensors.",
    additionalProperties: { anyOf: [{ type: "boolean" }, { type: "number" }, { type: "string" }] },
  }),
  TensorData: Type.Unsafe<readonly unknown[]>({
    type: "array",
    description:
      "Elements in row-major order, flat or nested as the shape says. BYTES are base64. FP16, NaN and infinities have no form in JSON: send binary data or CBOR.",
    items: {
      anyOf: [
        { $ref: "#/components/schemas/TensorData" },
        { type: "number" },
        { type: "string" },
        { type: "boolean" },
      ],
    },
  }),
  RequestTensor,
  RequestedOutput,
  InferenceRequest: object("Tensors for a model.", {
    id: Type.Optional(text("Echoed.")),
    parameters: Type.Optional(ref<ParameterRecord>("Parameters")),
    inputs: Type.Array(ref<RequestTensor>("RequestTensor")),
    outputs: Type.Optional(
      Type.Array(ref<RequestedOutput>("RequestedOutput"), {
        description: "Default: all, in the order of the model.",
      }),
    ),
  }),
  ResponseTensor: object("An output: with `data`, or with `binary_data_size` and its bytes after the JSON.", {
    name: text("Of the output."),
    datatype: text("As the protocol names it."),
    shape: shape(),
    parameters: Type.Optional(ref<ParameterRecord>("Parameters")),
    data: Type.Optional(ref<readonly unknown[]>("TensorData")),
  }),
  InferenceResponse: object("What the model answers.", {
    model_name: text("Of the model."),
    model_version: text("The version that answered."),
    id: Type.Optional(text("Of the request.")),
    outputs: Type.Array(ref("ResponseTensor")),
  }),
};
