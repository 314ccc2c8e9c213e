/** What can be wrong with a model file or a graph. */
import { defineErrors, failures } from "@cupel/base";

export const onnxErrors = defineErrors({
  MODEL_NOT_PROTOBUF: {
    meaning: "The file is not an ONNX model: it does not parse as one.",
    ...failures.badData,
  },
  MODEL_PACKED: {
    meaning: "The file is a model packed for transport; it must be unpacked first.",
    ...failures.badData,
  },
  MODEL_TRUNCATED: { meaning: "The file ends before its contents do.", ...failures.badData },
  MODEL_TOO_NEW: {
    meaning: "The model uses an IR version or operator set newer than Cupel reads.",
    ...failures.badData,
  },
  MODEL_INVALID: { meaning: "The graph breaks a rule of the ONNX specification.", ...failures.badData },
  LOADING_TOO_LARGE: {
    meaning:
      "Loading the model would make more of it than the limit allows: of what it holds the engine would compute too much ahead, or its functions call each other too often.",
    ...failures.badData,
  },
  EXTERNAL_DATA_MISSING: {
    meaning:
      "A file that holds part of the model's weights is missing, too short or outside the model's folder.",
    ...failures.badData,
    public: false,
  },
  TENSOR_INVALID: { meaning: "A tensor's bytes do not fit its shape or type.", ...failures.badData },
  SHAPE_CONFLICT: {
    meaning: "Operator inputs have shapes or types that do not go together.",
    ...failures.badData,
  },
  OPSET_UNSUPPORTED: {
    meaning: "The model names no standard operator set, or one older than the work at hand understands.",
    ...failures.badData,
  },
  RANK_UNKNOWN: {
    meaning: "An input of the model does not say how many dimensions it has.",
    ...failures.badData,
  },
  SHAPE_NOT_STATIC: {
    meaning: "Sizes must be numbers for the work at hand; a value has a symbolic or unknown one.",
    ...failures.badData,
  },
  WEIGHT_NOT_FINITE: {
    meaning: "A weight is NaN or infinite, so that nothing computed from it can be measured.",
    ...failures.badData,
  },
  PASS_CONDITION_UNMET: {
    meaning: "A pass was given a model that it does not work on, or did not leave it as it promises.",
    ...failures.defect,
  },
  GRAPH_EDIT_INVALID: {
    meaning: "An edit would have left the graph inconsistent; it was refused.",
    ...failures.defect,
  },
});
