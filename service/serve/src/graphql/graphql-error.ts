/**
 * Errors on the wire: the code of the table of errors, with its details, in `extensions`; what the table does not let out is
 * masked. Where nothing was answered the HTTP status is the table's.
 */
import { CupelError, errorFrom, publicError } from "@cupel/base";
import { GraphQLError } from "graphql";
import { plainNumbers, problemOf } from "../core/problem-details.ts";
import { serveErrors } from "../errors.ts";

/** Messages repeat names and values of the request. */
const longestMessage = 1_000;

export interface ToldErrors {
  readonly errors: readonly GraphQLError[];
  /** The first, as the record of the operation has it. */
  readonly first: CupelError;
}

export interface ToldOptions {
  /** Of the operation. */
  readonly signal: AbortSignal;
  /** Nothing was answered: the status is the error's. */
  readonly isRefusal: boolean;
  /** Names that the schema has are not suggested to who may not read it. */
  readonly hidesNames: boolean;
}

export function toldErrors(thrown: readonly unknown[], options: ToldOptions): ToldErrors {
  const causes = thrown.map((each) => causeOf(each, options.signal));
  const errors = thrown.map((each, i) => toldError(each, causes[i]!, options));
  return { errors, first: causes[0]! };
}

/** As the library says that it compared as many fields as it does. */
const aborted = "Validation aborted.";

/** What a resolver threw, or what the library found wrong with the request. */
function causeOf(thrown: unknown, signal: AbortSignal): CupelError {
  for (let at = thrown; at instanceof Error; at = at instanceof GraphQLError ? at.originalError : undefined) {
    if (at instanceof CupelError) return at;
    if (!(at instanceof GraphQLError)) return errorFrom(at, signal);
  }
  if (!(thrown instanceof GraphQLError)) return errorFrom(thrown, signal);
  const { http } = thrown.extensions as { readonly http?: { readonly status?: number } };
  if (http?.status === 405) {
    return serveErrors.error("METHOD_NOT_ALLOWED", thrown.message, { details: { allow: "POST" } });
  }
  if (thrown.message === aborted) {
    return serveErrors.error(
      "QUERY_TOO_COMPLEX",
      "The document has too many fields of one name. Ask for each once.",
      {
        withoutStack: true,
      },
    );
  }
  return serveErrors.error("QUERY_INVALID", thrown.message, { withoutStack: true });
}

function toldError(thrown: unknown, cause: CupelError, options: ToldOptions): GraphQLError {
  const { code, message, details } = publicError(cause);
  const text = options.hidesNames ? message.replace(/ Did you mean .*\?$/s, "") : message;
  const located = thrown instanceof GraphQLError ? thrown : undefined;
  return new GraphQLError(text.length > longestMessage ? `${text.slice(0, longestMessage)}...` : text, {
    nodes: located?.nodes ?? null,
    source: located?.source ?? null,
    positions: located?.positions ?? null,
    path: located?.path ?? null,
    extensions: {
      ...JSON.parse(JSON.stringify(details, plainNumbers)),
      code,
      retryable: cause.spec.retryable,
      ...(options.isRefusal ? { http: statusOf(cause) } : {}),
    },
  });
}

/** As yoga takes it: with `spec`, an answer of type application/json keeps its status 200. */
function statusOf(cause: CupelError) {
  const { status, headers } = problemOf(cause, { instance: "" });
  const { "content-type": _type, ...rest } = headers;
  return { status, headers: rest, spec: cause.code !== "METHOD_NOT_ALLOWED" };
}
