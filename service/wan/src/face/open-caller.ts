/**
 * The caller of a cell: a face over connections. @cupel/client has gRPC, gRPC-Web and Connect over HTTP/2, and REST and
 * GraphQL over HTTP/1.1; CBOR, and REST over HTTP/2, go as bytes that are made once.
 */
import type { FaceName } from "@cupel/client";
import type { Caller } from "../load/caller.ts";
import { type BodyName, bodyOf } from "./body-of.ts";
import { openClientCaller } from "./client-caller.ts";
import type { ConnectionPolicy } from "./connection-policy.ts";
import { openHttpCaller } from "./http-caller.ts";
import type { TensorCall } from "./tensor-call.ts";
import type { CallerTls } from "./tls-files.ts";

export type ProtocolName = "grpc" | "grpc-web" | "connect" | "graphql" | BodyName;

export type Target =
  /** A face of a Cupel server. */
  | {
      readonly kind: "face";
      /** "http://192.0.2.2:8080" */
      readonly url: string;
      readonly protocol: ProtocolName;
      readonly policy: ConnectionPolicy;
      readonly deadlineMs: number;
      readonly hedgeMs: number | null;
      readonly tls?: CallerTls | undefined;
      readonly call: TensorCall;
    }
  /** Any page: of a server that is not Cupel's. */
  | {
      readonly kind: "page";
      readonly url: string;
      readonly policy: ConnectionPolicy;
      readonly deadlineMs: number;
    };

/** The face of @cupel/client that carries a protocol over that version of HTTP; null: none does. */
const faceOf: Readonly<Record<ProtocolName, Readonly<Record<1 | 2, FaceName | null>>>> = {
  grpc: { 1: null, 2: "grpc" },
  "grpc-web": { 1: null, 2: "grpc-web" },
  connect: { 1: null, 2: "connect" },
  graphql: { 1: "graphql", 2: null },
  "rest-json": { 1: "rest-json", 2: null },
  "rest-binary": { 1: "rest-binary", 2: null },
  "rest-cbor": { 1: null, 2: null },
};

/** Whether a protocol can be called over that version of HTTP here. */
export function isCallable(protocol: ProtocolName, http: 1 | 2): boolean {
  return faceOf[protocol][http] !== null || bodyName(protocol) !== null;
}

export function openCaller(target: Target): Caller {
  const { url, policy, deadlineMs } = target;
  if (target.kind === "page")
    return openHttpCaller({ url, method: "GET", headers: {}, body: null }, { policy, deadlineMs });
  const { protocol, call, hedgeMs, tls } = target;
  const face = faceOf[protocol][policy.http];
  if (face !== null) return openClientCaller(call, { url, face, policy, deadlineMs, hedgeMs, tls });
  const name = bodyName(protocol);
  if (name === null) throw new Error(`${protocol} is not called over HTTP/${policy.http}.`);
  const { headers, bytes } = bodyOf(name, call);
  const path = `${url}/v2/models/${encodeURIComponent(call.model)}/infer`;
  return openHttpCaller({ url: path, method: "POST", headers, body: bytes }, { policy, deadlineMs, tls });
}

function bodyName(protocol: ProtocolName): BodyName | null {
  switch (protocol) {
    case "rest-json":
    case "rest-binary":
    case "rest-cbor":
      return protocol;
    default:
      return null;
  }
}
