/** Which of the protocols that share paths and methods a request speaks: its content type says it, or its query. */
import type { FaceRequest } from "../core/face.ts";

export type Protocol = "grpc" | "grpc-web" | "connect";

const types: readonly { readonly protocol: Protocol; readonly pattern: RegExp }[] = [
  { protocol: "grpc", pattern: /^application\/grpc(\+|;|$)/ },
  { protocol: "grpc-web", pattern: /^application\/grpc-web(-text)?(\+|;|$)/ },
  { protocol: "connect", pattern: /^application\/(connect\+|proto(;|$))/ },
];

/** "/package.Service/Method" */
const methodPath = /^\/[\w.]+\/\w+\?/;

/** Null where it does not say: JSON, or a GET, without a word that it is Connect's. */
export function protocolOf({ method, url = "", headers }: FaceRequest): Protocol | null {
  const type = bareType(headers["content-type"] ?? "");
  const found = types.find(({ pattern }) => pattern.test(type));
  if (found) return found.protocol;
  if (headers["connect-protocol-version"] !== undefined) return "connect";
  const isGet = method === "GET" && methodPath.test(url) && /[?&]connect=v1(&|$)/.test(url);
  return isGet ? "connect" : null;
}

/**
 * A content type as the library compares it: in lower case, and without the charset that all of them have. Other
 * parameters stay, and it refuses them.
 */
export function bareType(header: string): string {
  const [type = "", ...parameters] = header.split(";").map((part) => part.trim().toLowerCase());
  return [type, ...parameters.filter((each) => each !== "" && !utf8.test(each))].join(";");
}

const utf8 = /^charset="?utf-?8"?$/;
