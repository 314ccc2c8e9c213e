/**
 * One error class for the whole toolchain.
 *
 * Each package declares its failures once, as a table in its `errors.ts`; the code is what programs
 * match on, the message is what a person reads: what was wrong, where, and what to do about it.
 * The faces of the server and the command line look the status up in the same table.
 */

/** gRPC status names, https://grpc.io/docs/guides/status-codes/ */
export type GrpcStatus =
  | "CANCELLED"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE";

/** How one failure is presented at every edge. */
export interface ErrorSpec {
  /** One sentence, independent of the occasion: the documentation of the code. */
  readonly meaning: string;
  readonly http: number;
  readonly grpc: GrpcStatus;
  /** Process exit status, after BSD sysexits where one fits: 64 usage, 65 data, 66 no input, 74 I/O. */
  readonly exit: number;
}

export interface CupelErrorOptions {
  readonly cause?: unknown;
  /** Facts a program may want, such as the file, node or value concerned. JSON-serialisable. */
  readonly details?: Readonly<Record<string, unknown>>;
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

  /** The shape `--json` output and server responses carry. */
  toJSON(): { code: Code; message: string; details: Readonly<Record<string, unknown>> } {
    return { code: this.code, message: this.message, details: this.details };
  }
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
    error: (code, message, options) => new CupelError(code, specs[code], message, options),
  };
}

/** The text of anything thrown, for use inside another message. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
