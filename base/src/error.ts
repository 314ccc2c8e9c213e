/**
 * One error class for the whole toolchain.
 *
 * Each package declares its failures once, as a table in its `errors.ts`; the code is what programs
 * match on, the message is what a person reads: what was wrong, where, and what to do about it.
 * The faces of the server and the command line look the presentation up in the same table.
 * A code belongs to one package only; a test of the repository keeps it so.
 */

/** gRPC status names, https://grpc.io/docs/guides/status-codes/ */
export type GrpcStatus =
  | "CANCELLED"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "UNAUTHENTICATED";

/** How one failure is presented at every edge. */
export interface ErrorSpec {
  /** One sentence, independent of the occasion: the documentation of the code. */
  readonly meaning: string;
  readonly http: number;
  readonly grpc: GrpcStatus;
  /** Process exit status, after BSD sysexits where one fits: 64 usage, 65 data, 66 no input, 74 I/O. */
  readonly exit: number;
  /** May the same call succeed later, with nothing changed? */
  readonly retryable: boolean;
  /**
   * May message and details leave the machine? They may not where they can hold a path or what the engine
   * said; a remote caller then gets the meaning alone. See `publicError`.
   */
  readonly public: boolean;
}

/** The presentations that most rows share. A row spreads one and overrides what differs. */
export const failures = {
  usage: { http: 400, grpc: "INVALID_ARGUMENT", exit: 64, retryable: false, public: true },
  badRequest: { http: 400, grpc: "INVALID_ARGUMENT", exit: 65, retryable: false, public: true },
  badData: { http: 422, grpc: "INVALID_ARGUMENT", exit: 65, retryable: false, public: true },
  noInput: { http: 400, grpc: "INVALID_ARGUMENT", exit: 66, retryable: false, public: false },
  notFound: { http: 404, grpc: "NOT_FOUND", exit: 66, retryable: false, public: false },
  unsupported: { http: 422, grpc: "UNIMPLEMENTED", exit: 65, retryable: false, public: true },
  unavailable: { http: 503, grpc: "UNAVAILABLE", exit: 70, retryable: false, public: false },
  defect: { http: 500, grpc: "INTERNAL", exit: 70, retryable: false, public: false },
} as const satisfies Readonly<Record<string, Omit<ErrorSpec, "meaning">>>;

export interface CupelErrorOptions {
  readonly cause?: unknown;
  /** Facts a program may want, such as the file, node or value concerned. JSON-serialisable. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Of a refusal that is made thousands of times a second and says all: to find where it came from costs most of it. */
  readonly withoutStack?: boolean;
}

export class CupelError<Code extends string = string> extends Error {
  override readonly name = "CupelError";
  readonly code: Code;
  readonly spec: ErrorSpec;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: Code, spec: ErrorSpec, message: string, options: CupelErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.spec = spec;
    this.details = options.details ?? {};
  }

  /** The shape `--json` output carries: for the machine that the error arose on. */
  toJSON(): ErrorJson<Code> {
    return { code: this.code, message: this.message, details: this.details };
  }
}

export interface ErrorJson<Code extends string = string> {
  readonly code: Code;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What a remote caller may be told: all of it, or the meaning of the code. */
export function publicError<Code extends string>(error: CupelError<Code>): ErrorJson<Code> {
  return error.spec.public ? error.toJSON() : { code: error.code, message: error.spec.meaning, details: {} };
}

export interface ErrorRegistry<Code extends string> {
  readonly specs: Readonly<Record<Code, ErrorSpec>>;
  /** Makes (does not throw) an error of this registry. */
  error(code: Code, message: string, options?: CupelErrorOptions): CupelError<Code>;
}

/** Declares the closed set of failures of one package. */
export function defineErrors<const Code extends string>(
  specs: Readonly<Record<Code, ErrorSpec>>,
): ErrorRegistry<Code> {
  return {
    specs,
    error(code, message, options) {
      const make = () => new CupelError(code, specs[code], message, options);
      return options?.withoutStack ? stackless(make) : make();
    },
  };
}

function stackless<Made>(make: () => Made): Made {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The text of anything thrown, for use inside another message. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
