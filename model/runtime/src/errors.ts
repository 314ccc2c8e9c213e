/** The failures of running a model: codes, what they mean, and how each edge presents them. */
import { defineErrors, failures } from "@cupel/base";

export const runtimeErrors = defineErrors({
  MODEL_LOAD_FAILED: {
    meaning: "The engine refused the model; its own reason is in the message.",
    http: 422,
    grpc: "FAILED_PRECONDITION",
    exit: 65,
    retryable: false,
    public: false,
  },
  MODEL_UNSUPPORTED_BY_ENGINE: {
    meaning: "The model needs a version, an operator or a type that this engine does not have.",
    ...failures.unsupported,
  },
  ENGINE_MISSING: {
    meaning: "No package brings the engine for this system and processor, or it was not installed.",
    http: 500,
    grpc: "FAILED_PRECONDITION",
    exit: 69,
    retryable: false,
    public: true,
  },
  PROVIDER_UNAVAILABLE: {
    meaning: "An execution provider was asked for that this machine or this build of the engine lacks.",
    http: 422,
    grpc: "FAILED_PRECONDITION",
    exit: 69,
    retryable: false,
    public: true,
  },
  RUN_FAILED: {
    meaning: "The engine failed while running the graph; its own reason is in the message.",
    ...failures.defect,
  },
  MODEL_CRASHED_ENGINE: {
    meaning: "The engine crashed on the model, in a process of its own; the process that asked goes on.",
    ...failures.badData,
    public: false,
  },
  MODEL_OVER_MEMORY: {
    meaning: "The process that tried the model had more in memory than its limit, and was ended.",
    ...failures.badData,
    grpc: "RESOURCE_EXHAUSTED",
    public: false,
  },
  MODEL_OVER_TIME: {
    meaning: "The process that tried the model was not done within its limit of time, and was ended.",
    ...failures.badData,
    grpc: "RESOURCE_EXHAUSTED",
    public: false,
  },
  INPUT_MISSING: { meaning: "A graph input has no feed.", ...failures.badRequest },
  INPUT_UNKNOWN: { meaning: "A feed is named after no graph input.", ...failures.badRequest },
  INPUT_SHAPE_MISMATCH: {
    meaning: "A feed's shape, or the number of its elements, is not what the graph input takes.",
    ...failures.badRequest,
  },
  INPUT_TOO_LARGE: {
    meaning: "The inputs of the model take more values in one run than the limit allows.",
    ...failures.badData,
  },
  TENSOR_TYPE_MISMATCH: {
    meaning: "A tensor's element type, or the array that holds it, is not the expected one.",
    ...failures.badRequest,
  },
  OUTPUT_UNKNOWN: { meaning: "A fetch is named after no graph output.", ...failures.badRequest },
  STATE_INVALID: {
    meaning:
      "State is bound to what the model does not have or to values of another type or shape, or it is unknown.",
    ...failures.badRequest,
  },
  TAP_UNKNOWN: { meaning: "A tap is named after no value of the graph.", ...failures.badRequest },
  DIMENSION_UNKNOWN: {
    meaning: "A free dimension was given a size, but no graph input has a dimension of that name.",
    ...failures.badRequest,
  },
  SESSION_CLOSED: { meaning: "The session was closed before or during the call.", ...failures.unavailable },
  QUEUE_FULL: {
    meaning: "The session has as many runs to answer as it lets wait; this one was not taken.",
    http: 429,
    grpc: "RESOURCE_EXHAUSTED",
    exit: 75,
    retryable: true,
    public: true,
  },
  MEASUREMENT_FAILED: {
    meaning: "A child process that measures for us failed; what it said is in the message.",
    ...failures.defect,
    retryable: true,
  },
});

export type RuntimeErrorCode = keyof typeof runtimeErrors.specs;
