/** The failures of a call: those the client makes itself, and those a server told, in one class. */
import { baseErrors, CupelError, defineErrors, type ErrorSpec, type GrpcStatus } from "@cupel/base/portable";

const unavailable = { http: 503, grpc: "UNAVAILABLE", exit: 69, retryable: true, public: true } as const;
const foreign = { http: 502, grpc: "INTERNAL", exit: 76, retryable: false, public: true } as const;

export const clientErrors = defineErrors({
  SERVER_UNREACHABLE: {
    meaning: "No connection to the server could be made; nothing was sent.",
    ...unavailable,
  },
  CONNECTION_LOST: {
    meaning: "The connection ended before the answer was whole; the server may have done the work.",
    ...unavailable,
  },
  TLS_FAILED: {
    meaning: "The server's certificate is not trusted, or no TLS could be agreed on; nothing was sent.",
    ...unavailable,
    retryable: false,
  },
  SERVER_SUSPENDED: {
    meaning: "Every endpoint failed so often lately that it is given no calls for a while; nothing was sent.",
    ...unavailable,
  },
  ANSWER_INVALID: {
    meaning: "The answer is not one of the protocol: a proxy's page, or a server of another kind.",
    ...foreign,
  },
  ANSWER_TOO_LARGE: {
    meaning: "The answer is larger than the client takes.",
    ...foreign,
  },
  FACE_UNSUPPORTED: {
    meaning:
      "The face that was chosen has no form for the call, or the server does not speak it; another one does.",
    http: 400,
    grpc: "UNIMPLEMENTED",
    exit: 64,
    retryable: false,
    public: true,
  },
  CLIENT_CLOSED: {
    meaning: "The client was closed; it sends nothing any more.",
    http: 503,
    grpc: "FAILED_PRECONDITION",
    exit: 70,
    retryable: false,
    public: true,
  },
});

export type ClientErrorCode = keyof typeof clientErrors.specs;

/** What is known of a failure besides its code. */
export interface Failure {
  readonly code: string;
  readonly spec: ErrorSpec;
  readonly message: string;
  /** HTTP with the faces of REST and GraphQL, gRPC with the others; null where no answer came. */
  readonly status?: number | null;
  readonly retryAfterMs?: number | null;
  /** Whether the server can have begun the work. Default true. */
  readonly mayHaveRun?: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * The one error of a call. `code` is the server's stable code (docs/errors.md), one of `clientErrors`, or DEADLINE_EXCEEDED
 * or CANCELLED. Of a server that has no such codes it is the name of the gRPC status, or HTTP_ and the status.
 */
export class ClientError extends CupelError<string> {
  /** As the server told it: HTTP with the faces of REST and GraphQL, gRPC with the others. Null where no answer came. */
  readonly status: number | null;
  /** When to come again, in ms. Null: the server did not say. */
  readonly retryAfterMs: number | null;
  /** False where it is certain that the server did nothing: the call was not sent. */
  readonly mayHaveRun: boolean;

  constructor({ code, spec, message, status, retryAfterMs, mayHaveRun, details, cause }: Failure) {
    super(code, spec, message, {
      ...(details === undefined ? {} : { details }),
      ...(cause === undefined ? {} : { cause }),
    });
    this.status = status ?? null;
    this.retryAfterMs = retryAfterMs ?? null;
    this.mayHaveRun = mayHaveRun ?? true;
  }
}

/** One that the client makes itself. */
export function clientError(
  code: ClientErrorCode,
  message: string,
  more: Partial<Omit<Failure, "code" | "spec" | "message">> = {},
): ClientError {
  return new ClientError({ code, spec: clientErrors.specs[code], message, ...more });
}

/** Of a server that answers, and not as one of the face. @param answered what it said instead */
export function faceUnspoken(answered: string, cause?: unknown): ClientError {
  return clientError(
    "FACE_UNSUPPORTED",
    `The server does not speak this face: it answered with ${answered}. Choose one of those that GET / of it lists, or switch this one on there (faces).`,
    { mayHaveRun: false, cause },
  );
}

/** Of an option or a request that is none: nothing was sent. */
export function optionInvalid(message: string, cause?: unknown): ClientError {
  const spec = baseErrors.specs.OPTION_INVALID;
  return new ClientError({ code: "OPTION_INVALID", spec, message, mayHaveRun: false, cause });
}

/** By number, https://grpc.io/docs/guides/status-codes/, with the HTTP status that is nearest. */
const grpcStatuses: readonly { readonly name: string; readonly like: GrpcStatus; readonly http: number }[] = [
  { name: "OK", like: "INTERNAL", http: 500 },
  { name: "CANCELLED", like: "CANCELLED", http: 499 },
  { name: "UNKNOWN", like: "INTERNAL", http: 500 },
  { name: "INVALID_ARGUMENT", like: "INVALID_ARGUMENT", http: 400 },
  { name: "DEADLINE_EXCEEDED", like: "DEADLINE_EXCEEDED", http: 504 },
  { name: "NOT_FOUND", like: "NOT_FOUND", http: 404 },
  { name: "ALREADY_EXISTS", like: "FAILED_PRECONDITION", http: 409 },
  { name: "PERMISSION_DENIED", like: "PERMISSION_DENIED", http: 403 },
  { name: "RESOURCE_EXHAUSTED", like: "RESOURCE_EXHAUSTED", http: 429 },
  { name: "FAILED_PRECONDITION", like: "FAILED_PRECONDITION", http: 400 },
  { name: "ABORTED", like: "UNAVAILABLE", http: 409 },
  { name: "OUT_OF_RANGE", like: "INVALID_ARGUMENT", http: 400 },
  { name: "UNIMPLEMENTED", like: "UNIMPLEMENTED", http: 501 },
  { name: "INTERNAL", like: "INTERNAL", http: 500 },
  { name: "UNAVAILABLE", like: "UNAVAILABLE", http: 503 },
  { name: "DATA_LOSS", like: "INTERNAL", http: 500 },
  { name: "UNAUTHENTICATED", like: "UNAUTHENTICATED", http: 401 },
];

export function grpcStatusName(status: number): string {
  return grpcStatuses[status]?.name ?? "UNKNOWN";
}

/** Of a failure that a gRPC status tells. */
export function specOfGrpc(status: number, meaning: string, retryable: boolean): ErrorSpec {
  const { like, http } = grpcStatuses[status] ?? grpcStatuses[2]!;
  return { meaning, http, grpc: like, exit: 70, retryable, public: true };
}

/** The gRPC status that is nearest to an HTTP one, after https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const grpcOfHttp: ReadonlyMap<number, GrpcStatus> = new Map([
  [401, "UNAUTHENTICATED"],
  [403, "PERMISSION_DENIED"],
  [404, "NOT_FOUND"],
  [408, "DEADLINE_EXCEEDED"],
  [413, "RESOURCE_EXHAUSTED"],
  [429, "RESOURCE_EXHAUSTED"],
  [499, "CANCELLED"],
  [501, "UNIMPLEMENTED"],
  [502, "UNAVAILABLE"],
  [503, "UNAVAILABLE"],
  [504, "DEADLINE_EXCEEDED"],
]);

/** Of a failure that an HTTP status tells. */
export function specOfHttp(http: number, meaning: string, retryable: boolean): ErrorSpec {
  const grpc = grpcOfHttp.get(http) ?? (http >= 500 ? "INTERNAL" : "INVALID_ARGUMENT");
  return { meaning, http, grpc, exit: 70, retryable, public: true };
}
