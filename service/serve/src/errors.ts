/** The failures of serving a model: codes, what they mean, and how every face presents them. */
import { defineErrors, failures } from "@cupel/base";

/** The server has taken as much as it may; the same call may succeed a moment later. */
const limited = { http: 429, grpc: "RESOURCE_EXHAUSTED", exit: 75, retryable: true, public: true } as const;

/** Nothing is wrong with the call: the server cannot take it now. */
const unavailable = { http: 503, grpc: "UNAVAILABLE", exit: 75, retryable: true, public: true } as const;

export const serveErrors = defineErrors({
  MODEL_UNKNOWN: {
    meaning: "The server has no model of that name.",
    ...failures.notFound,
    public: true,
  },
  VERSION_UNKNOWN: {
    meaning: "The server has the model, but not that version of it.",
    ...failures.notFound,
    public: true,
  },
  REPORT_MISSING: {
    meaning: "No report of a compression that made this version lies beside it, or it cannot be shown.",
    ...failures.notFound,
    public: true,
  },
  REPORT_REFUSED: {
    meaning: "The gate refused the report that lies beside the model: it is not what was sealed.",
    http: 403,
    grpc: "PERMISSION_DENIED",
    exit: 77,
    retryable: false,
    public: false,
  },
  MODEL_NOT_READY: {
    meaning: "The model is known but not loaded: it is loading, was unloaded, or could not be loaded.",
    http: 503,
    grpc: "UNAVAILABLE",
    exit: 75,
    retryable: true,
    public: true,
  },
  REPOSITORY_INVALID: {
    meaning: "The folder or file to serve holds no model, or a model whose name or version cannot be served.",
    ...failures.noInput,
  },
  MODEL_REFUSED: {
    meaning: "The gate refused the model; nothing of it was loaded.",
    http: 403,
    grpc: "PERMISSION_DENIED",
    exit: 77,
    retryable: false,
    public: false,
  },
  REQUEST_INVALID: {
    meaning: "The request is malformed: its body does not parse or does not conform to the schema.",
    ...failures.badRequest,
  },
  DATATYPE_UNSUPPORTED: {
    meaning: "A tensor's datatype is not one the protocol names, or not one that can be carried this way.",
    ...failures.badRequest,
  },
  BODY_TOO_LARGE: {
    meaning: "The request is larger, after decompression, than the server takes.",
    http: 413,
    grpc: "RESOURCE_EXHAUSTED",
    exit: 65,
    retryable: false,
    public: true,
  },
  IMAGE_INVALID: {
    meaning: "An image of the request cannot be decoded, or is larger than is decoded.",
    ...failures.badData,
  },
  BATCH_TOO_LARGE: {
    meaning: "The request has more rows than the model takes in one run.",
    ...failures.badRequest,
  },
  QUEUE_LIMIT: {
    meaning: "As many requests wait for the model as it lets wait; this one was not taken.",
    ...limited,
  },
  SERVER_STOPPING: {
    meaning: "The server is shutting down; it finishes what it accepted and takes nothing new.",
    http: 503,
    grpc: "UNAVAILABLE",
    exit: 75,
    retryable: true,
    public: true,
  },
  SERVER_STARTING: {
    meaning: "The server is loading its models and takes no requests yet.",
    ...unavailable,
  },
  PROCESSES_DIFFER: {
    meaning: "A load or unload succeeded in some processes of the server and failed in others.",
    ...unavailable,
  },
  CONFIG_INVALID: {
    meaning:
      "The configuration does not parse, has a key it must not have, or a value that is not one it takes.",
    http: 500,
    grpc: "FAILED_PRECONDITION",
    exit: 78,
    retryable: false,
    public: false,
  },
  AUTH_REQUIRED: {
    meaning: "The call carries no credentials, or credentials that are not valid.",
    http: 401,
    grpc: "UNAUTHENTICATED",
    exit: 77,
    retryable: false,
    public: true,
  },
  FORBIDDEN: {
    meaning: "The caller is known and may not do this, or there is no such model for this caller.",
    http: 403,
    grpc: "PERMISSION_DENIED",
    exit: 77,
    retryable: false,
    public: true,
  },
  ORIGIN_FORBIDDEN: {
    meaning: "The page is of an origin whose pages may not open a WebSocket to the server.",
    http: 403,
    grpc: "PERMISSION_DENIED",
    exit: 77,
    retryable: false,
    public: true,
  },
  AUTH_UNAVAILABLE: {
    meaning: "The keys that tokens are verified with cannot be read now.",
    ...unavailable,
    public: false,
  },
  RATE_LIMIT: {
    meaning: "The caller sent more requests in a time than it may.",
    ...limited,
  },
  IN_FLIGHT_LIMIT: {
    meaning: "As many requests are being answered as the server, or this caller, may have at once.",
    ...limited,
  },
  DEBUG_BUSY: {
    meaning: "A profile or a heap snapshot is being made; only one is at a time.",
    http: 409,
    grpc: "FAILED_PRECONDITION",
    exit: 75,
    retryable: true,
    public: true,
  },
  DEBUG_TOO_LARGE: {
    meaning: "The heap snapshot would be, or became, larger than the configuration allows.",
    http: 507,
    grpc: "RESOURCE_EXHAUSTED",
    exit: 70,
    retryable: false,
    public: true,
  },
  MODEL_SUSPENDED: {
    meaning: "The model failed so often that it is given no calls for a while; it is tried again by itself.",
    ...unavailable,
  },
  ROUTE_UNKNOWN: {
    meaning: "The server has no such path or method.",
    ...failures.notFound,
    grpc: "UNIMPLEMENTED",
    public: true,
  },
  METHOD_NOT_ALLOWED: {
    meaning: "The path is known, but not with this HTTP method.",
    ...failures.badRequest,
    http: 405,
    grpc: "UNIMPLEMENTED",
  },
  MEDIA_TYPE_UNSUPPORTED: {
    meaning: "The body has a content type or a content encoding that is not taken here.",
    ...failures.badRequest,
    http: 415,
  },
  HTTP_VERSION_UNSUPPORTED: {
    meaning: "The method cannot be called over this version of HTTP: its stream goes both ways at once.",
    ...failures.badRequest,
    http: 505,
    grpc: "UNIMPLEMENTED",
  },
  NOT_ACCEPTABLE: {
    meaning: "The answer cannot be sent in the form the request asks for, such as NaN in JSON.",
    ...failures.badRequest,
    http: 406,
    grpc: "FAILED_PRECONDITION",
  },
  QUERY_INVALID: {
    meaning: "The GraphQL document does not parse or does not fit the schema, or its variables do not.",
    ...failures.badRequest,
  },
  QUERY_TOO_COMPLEX: {
    meaning: "The GraphQL document is longer or deeper, or asks for more, than the server answers at once.",
    ...failures.badRequest,
  },
  PREFLIGHT_REQUIRED: {
    meaning:
      "A page of another site could have had a browser send the request; a header must say that none did.",
    http: 403,
    grpc: "PERMISSION_DENIED",
    exit: 77,
    retryable: false,
    public: true,
  },
  SERVICE_UNKNOWN: {
    meaning: "The server has no gRPC service of that name.",
    ...failures.notFound,
    public: true,
  },
  LISTEN_FAILED: {
    meaning: "The server cannot listen on the address: it is taken, forbidden, or not one of this machine.",
    http: 500,
    grpc: "FAILED_PRECONDITION",
    exit: 69,
    retryable: false,
    public: false,
  },
  CERTIFICATE_INVALID: {
    meaning: "The certificate, its key or the clients' authority cannot be read, or do not belong together.",
    ...failures.noInput,
  },
});

export type ServeErrorCode = keyof typeof serveErrors.specs;
