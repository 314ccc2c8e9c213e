/**
 * Which pages of other origins a browser lets read the answers (https://fetch.spec.whatwg.org/#http-cors-protocol). A
 * decision without I/O: faces set the headers it returns. Cookies are never allowed: credentials are sent in headers.
 */
export interface CorsPolicy {
  /** Origins such as "https://app.example"; "*" for all. */
  readonly origins: readonly string[];
  /** How long a browser may remember a preflight. */
  readonly maxAgeSeconds: number;
}

export interface CorsRequest {
  readonly method: string;
  readonly header: (name: string) => string | undefined;
}

export interface CorsDecision {
  /** To set on the answer, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** The request is a preflight: it is answered with 204 and these headers, and nobody is asked for credentials. */
  readonly isPreflight: boolean;
}

const methods = "GET, POST, OPTIONS";
/** What callers of every face send beyond what pages may always send. */
const requestHeaders = [
  "authorization",
  "content-type",
  "x-api-key",
  "cupel-timeout-ms",
  "cupel-timing",
  "cupel-csrf",
  "inference-header-content-length",
  "traceparent",
  "tracestate",
  "content-encoding",
  "connect-protocol-version",
  "connect-timeout-ms",
  "connect-content-encoding",
  "connect-accept-encoding",
  "grpc-timeout",
  "grpc-encoding",
  "grpc-accept-encoding",
  "x-grpc-web",
  "x-user-agent",
].join(", ");
/** What pages may read beyond what they may always read. */
const exposedHeaders = [
  "inference-header-content-length",
  "retry-after",
  "server-timing",
  "www-authenticate",
  "grpc-status",
  "grpc-message",
  "grpc-status-details-bin",
  "grpc-encoding",
  "grpc-retry-pushback-ms",
  "content-encoding",
  "connect-content-encoding",
].join(", ");

export function decideCors(policy: CorsPolicy, { method, header }: CorsRequest): CorsDecision {
  const origin = header("origin");
  const isPreflight =
    method === "OPTIONS" && origin !== undefined && header("access-control-request-method") !== undefined;
  if (policy.origins.length === 0) return { headers: {}, isPreflight };
  const isOpen = policy.origins.includes("*");
  // The answer depends on who asks: a cache must keep it for that origin only.
  const vary: Readonly<Record<string, string>> = isOpen ? {} : { vary: "origin" };
  if (origin === undefined || !(isOpen || policy.origins.includes(origin)))
    return { headers: vary, isPreflight };
  const allowed = { ...vary, "access-control-allow-origin": isOpen ? "*" : origin };
  if (!isPreflight)
    return { headers: { ...allowed, "access-control-expose-headers": exposedHeaders }, isPreflight };
  return {
    isPreflight,
    headers: {
      ...allowed,
      "access-control-allow-methods": methods,
      "access-control-allow-headers": requestHeaders,
      "access-control-max-age": String(policy.maxAgeSeconds),
    },
  };
}
