/**
 * The caller of a cell: a face over connections. @cupel/client has gRPC, gRPC-Web and Connect over HTTP/2, and REST and
 * GraphQL over HTTP/1.1; as bytes what it sends is sent too, and besides CBOR, and REST over HTTP/2.
 */
import type { FaceName } from "@cupel/client";
import type { Caller } from "../load/caller.ts";
import { type BodyName, bodyOf } from "./body-of.ts";
import { openClientCaller } from "./client-caller.ts";
import type { ConnectionPolicy } from "./connection-policy.ts";
import { openHttpCaller, type Success } from "./http-caller.ts";
import { type RecordedCall, recordCall } from "./recorded-call.ts";
import type { TensorCall } from "./tensor-call.ts";
import type { CallerTls } from "./tls-files.ts";

export type ProtocolName = "grpc" | "grpc-web" | "connect" | "graphql" | BodyName;

/**
 * "bytes": a message that is made once, over connections that do nothing else: what protocols and connections cost. "client":
 * through @cupel/client, which can send twice; it costs the generator more processor time, so fewer are sent on time.
 */
export type CallerName = "bytes" | "client";

export type Target =
  | FaceTarget
  /** Any page: of a server that is not Cupel's. */
  | {
      readonly kind: "page";
      readonly url: string;
      readonly policy: ConnectionPolicy;
      readonly deadlineMs: number;
    };

/** A face of a Cupel server. */
export interface FaceTarget {
  readonly kind: "face";
  /** "http://192.0.2.2:8080" */
  readonly url: string;
  readonly by: CallerName;
  readonly protocol: ProtocolName;
  readonly policy: ConnectionPolicy;
  readonly deadlineMs: number;
  /** Of "client"; null: none. */
  readonly hedgeMs: number | null;
  readonly tls?: CallerTls | undefined;
  readonly call: TensorCall;
}

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
export function isCallable(protocol: ProtocolName, http: 1 | 2, by: CallerName): boolean {
  return faceOf[protocol][http] !== null || (by === "bytes" && bodyName(protocol) !== null);
}

/** What a face that answers 200 tells of a failure by. */
const successOf: Readonly<Partial<Record<ProtocolName, Success>>> = {
  grpc: "grpc",
  "grpc-web": "grpc-web",
  graphql: "graphql",
};

export async function openCaller(target: Target): Promise<Caller> {
  const { url, policy, deadlineMs } = target;
  if (target.kind === "page")
    return openHttpCaller({ url, method: "GET", headers: {}, body: null }, { policy, deadlineMs });
  const { protocol, call, hedgeMs, tls } = target;
  const face = faceOf[protocol][policy.http];
  if (target.by === "client") {
    if (face === null) throw new Error(`@cupel/client does not call ${protocol} over HTTP/${policy.http}.`);
    return openClientCaller(call, { url, face, policy, deadlineMs, hedgeMs, tls });
  }
  const { path, headers, body } = await bytesOf(target);
  return openHttpCaller(
    { url: url + path, method: "POST", headers, body, success: successOf[protocol] },
    { policy, deadlineMs, tls },
  );
}

async function bytesOf({ protocol, policy, call, deadlineMs }: FaceTarget): Promise<RecordedCall> {
  const name = bodyName(protocol);
  const face = faceOf[protocol][policy.http];
  if (name !== null) {
    const { headers, bytes } = bodyOf(name, call);
    return { path: `/v2/models/${encodeURIComponent(call.model)}/infer`, headers, body: bytes };
  }
  if (face === null) throw new Error(`${protocol} is not called over HTTP/${policy.http}.`);
  return await recordCall(face, policy.http, call, deadlineMs);
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
