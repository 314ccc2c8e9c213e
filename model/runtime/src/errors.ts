/** The failures of running a model: codes, what they mean, and how each edge presents them. */
import { defineErrors } from "@cupel/base";

export const runtimeErrors = defineErrors({
  MODEL_LOAD_FAILED: {
    meaning: "The engine refused the model; its own reason is in the message.",
    http: 422,
    grpc: "FAILED_PRECONDITION",
    exit: 65,
  },
  MODEL_UNSUPPORTED_BY_ENGINE: {
    meaning: "The model needs a version, an operator or a type that this engine does not have.",
    http: 422,
    grpc: "UNIMPLEMENTED",
    exit: 65,
  },
  MODEL_NOT_FOUND: {
    meaning: "There is no file under the given path.",
    http: 404,
    grpc: "NOT_FOUND",
    exit: 66,
  },
  PROVIDER_UNAVAILABLE: {
    meaning: "An execution provider was asked for that this machine or this build of the engine lacks.",
    http: 422,
    grpc: "FAILED_PRECONDITION",
    exit: 69,
  },
  RUN_FAILED: {
    meaning: "The engine failed while running the graph; its own reason is in the message.",
    http: 500,
    grpc: "INTERNAL",
    exit: 70,
  },
  INPUT_MISSING: {
    meaning: "A graph input has no feed.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  INPUT_UNKNOWN: {
    meaning: "A feed is named after no graph input.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  INPUT_SHAPE_MISMATCH: {
    meaning: "A feed's shape, or the number of its elements, is not what the graph input takes.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  TENSOR_TYPE_MISMATCH: {
    meaning: "A tensor's element type, or the array that holds it, is not the expected one.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  OUTPUT_UNKNOWN: {
    meaning: "A fetch is named after no graph output.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  STATE_INVALID: {
    meaning:
      "State is bound to what the model does not have or to values of another type or shape, or it is unknown.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  TAP_UNKNOWN: {
    meaning: "A tap is named after no value of the graph.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  DIMENSION_UNKNOWN: {
    meaning: "A free dimension was given a size, but no graph input has a dimension of that name.",
    http: 400,
    grpc: "INVALID_ARGUMENT",
    exit: 65,
  },
  SESSION_CLOSED: {
    meaning: "The session was closed before or during the call.",
    http: 503,
    grpc: "UNAVAILABLE",
    exit: 70,
  },
  SESSION_CRASHED: {
    meaning: "The thread that hosts the engine ended by itself; the session cannot be used any more.",
    http: 503,
    grpc: "UNAVAILABLE",
    exit: 70,
  },
  MEASUREMENT_FAILED: {
    meaning: "A child process that measures for us failed; what it said is in the message.",
    http: 500,
    grpc: "INTERNAL",
    exit: 70,
  },
});

export type RuntimeErrorCode = keyof typeof runtimeErrors.specs;
