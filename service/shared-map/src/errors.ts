/** The failures of the shared map: codes, what they mean, and how each edge presents them. */
import { defineErrors, failures } from "@cupel/base";

export const sharedMapErrors = defineErrors({
  KEY_TOO_LONG: {
    meaning: "A key has more bytes than a key may have; nothing was changed.",
    ...failures.badRequest,
  },
  KEY_UNSUPPORTED: {
    meaning: "A key is of a type that the map stores only with a key codec, and it has none.",
    ...failures.badRequest,
  },
  VALUE_TOO_LARGE: {
    meaning: "A value has more bytes than this map takes; nothing was changed.",
    http: 413,
    grpc: "RESOURCE_EXHAUSTED",
    exit: 65,
    retryable: false,
    public: true,
  },
  VALUE_UNSUPPORTED: {
    meaning: "A value is of a type that the map stores only with a codec, and it has none.",
    ...failures.badRequest,
  },
  CODEC_FAILED: {
    meaning: "A codec threw, or gave something other than bytes; nothing was changed.",
    http: 500,
    grpc: "INTERNAL",
    exit: 65,
    retryable: false,
    public: false,
  },
  CODEC_MISMATCH: {
    meaning: "A map is attached with other codecs than it was created with.",
    http: 500,
    grpc: "FAILED_PRECONDITION",
    exit: 64,
    retryable: false,
    public: true,
  },
  MAP_FULL: {
    meaning: "There is no memory for the write, and nothing that may be evicted for it; nothing was changed.",
    http: 507,
    grpc: "RESOURCE_EXHAUSTED",
    exit: 69,
    retryable: true,
    public: true,
  },
  MAP_BUSY: {
    meaning:
      "A lock stayed held by a thread that is stopped in the middle of a call, or that has ended where no other thread can know.",
    http: 503,
    grpc: "UNAVAILABLE",
    exit: 75,
    retryable: true,
    public: true,
  },
  MAP_CLOSED: { meaning: "The map was closed in this thread.", ...failures.unavailable },
  MAP_CORRUPT: { meaning: "A check of the shared memory found an invariant broken.", ...failures.defect },
  HANDLE_FOREIGN: {
    meaning: "What was to be attached is not the handle of a shared map.",
    http: 500,
    grpc: "INVALID_ARGUMENT",
    exit: 64,
    retryable: false,
    public: true,
  },
  VERSION_MISMATCH: {
    meaning: "The map was created by a version of this package with another layout of memory.",
    http: 500,
    grpc: "FAILED_PRECONDITION",
    exit: 64,
    retryable: false,
    public: true,
  },
  TOO_MANY_THREADS: {
    meaning: "The map is attached as often as it was created for.",
    http: 503,
    grpc: "RESOURCE_EXHAUSTED",
    exit: 69,
    retryable: true,
    public: true,
  },
  MEMORY_UNAVAILABLE: {
    meaning: "The system refused the shared memory for a new map.",
    http: 507,
    grpc: "RESOURCE_EXHAUSTED",
    exit: 71,
    retryable: true,
    public: false,
  },
  COUNTER_FIXED: {
    meaning: "A counter that has handles was to become a value that is not an integer.",
    http: 409,
    grpc: "FAILED_PRECONDITION",
    exit: 65,
    retryable: false,
    public: true,
  },
  COUNTER_OVERFLOW: {
    meaning: "A counter would have gone beyond 2^53; it was not changed.",
    http: 409,
    grpc: "FAILED_PRECONDITION",
    exit: 65,
    retryable: false,
    public: true,
  },
  COUNTER_CLOSED: { meaning: "A counter's handle was closed.", ...failures.unavailable },
  NOT_A_COUNTER: {
    meaning: "Something was to be added to a value that is not an integer, or what was to be added is none.",
    http: 409,
    grpc: "FAILED_PRECONDITION",
    exit: 65,
    retryable: false,
    public: true,
  },
});

export type SharedMapErrorCode = keyof typeof sharedMapErrors.specs;
