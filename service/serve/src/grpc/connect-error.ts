/**
 * Errors on the wire: a gRPC status of the code's row in the table of errors, with the code as `reason` of an ErrorInfo
 * and the time to come again as a RetryInfo (https://google.aip.dev/193).
 */

import { Code, ConnectError } from "@connectrpc/connect";
import type { CupelError, GrpcStatus } from "@cupel/base";
import { errorFrom, publicError } from "@cupel/base";
import { ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.ts";

export const errorDomain = "cupel";

/** A client that heeds it retries after this many milliseconds, https://grpc.io/docs/guides/retry/ */
export const pushback = "grpc-retry-pushback-ms";

/** Trailers of an error stay well below the 8 KiB that clients take. */
const longestMessage = 1_000;
const longestDetail = 200;
const mostDetails = 8;

const codes: Readonly<Record<GrpcStatus, Code>> = {
  CANCELLED: Code.Canceled,
  INVALID_ARGUMENT: Code.InvalidArgument,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
  NOT_FOUND: Code.NotFound,
  PERMISSION_DENIED: Code.PermissionDenied,
  RESOURCE_EXHAUSTED: Code.ResourceExhausted,
  FAILED_PRECONDITION: Code.FailedPrecondition,
  UNIMPLEMENTED: Code.Unimplemented,
  INTERNAL: Code.Internal,
  UNAVAILABLE: Code.Unavailable,
  UNAUTHENTICATED: Code.Unauthenticated,
};

/** Statuses whose caller may come again; after a second where the error does not say when. */
const waiting: ReadonlySet<GrpcStatus> = new Set(["RESOURCE_EXHAUSTED", "UNAVAILABLE"]);

/** @param signal of the call: says whether what ended it was its deadline */
export function connectErrorOf(thrown: unknown, signal?: AbortSignal): ConnectError {
  // The library's own refusals have their status already.
  if (thrown instanceof ConnectError) return thrown;
  const error = errorFrom(thrown, signal);
  const { code, message, details } = publicError(error);
  const retryMs = retryAfter(error);
  return new ConnectError(
    shortened(message),
    codes[error.spec.grpc],
    retryMs === null ? undefined : { [pushback]: String(retryMs) },
    [
      { desc: ErrorInfoSchema, value: { reason: code, domain: errorDomain, metadata: metadataOf(details) } },
      ...(retryMs === null
        ? []
        : [
            {
              desc: RetryInfoSchema,
              value: {
                retryDelay: {
                  seconds: BigInt(Math.floor(retryMs / 1000)),
                  nanos: (retryMs % 1000) * 1_000_000,
                },
              },
            },
          ]),
    ],
    error,
  );
}

/** Of an answer in a stream that goes on: "IMAGE_INVALID: ...". */
export function errorText(thrown: unknown, signal: AbortSignal): string {
  const { code, message } = publicError(errorFrom(thrown, signal));
  return `${code}: ${message}`;
}

/** In whole ms; null where the same call cannot succeed later. */
function retryAfter({ spec, details }: CupelError): number | null {
  if (!spec.retryable || !waiting.has(spec.grpc)) return null;
  const { retryAfterMs } = details;
  return typeof retryAfterMs === "number" && retryAfterMs >= 0 ? Math.ceil(retryAfterMs) : 1000;
}

function metadataOf(details: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts = Object.entries(details)
    .filter(([name, value]) => name !== "retryAfterMs" && value !== undefined)
    .map(
      ([name, value]) =>
        [name, typeof value === "string" ? value : (JSON.stringify(value, plain) ?? "")] as const,
    )
    .filter(([, value]) => value.length <= longestDetail);
  return Object.fromEntries(texts.slice(0, mostDetails));
}

function plain(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

function shortened(message: string): string {
  return message.length <= longestMessage ? message : `${message.slice(0, longestMessage - 3)}...`;
}
