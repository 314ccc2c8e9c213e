/**
 * A client that is not ours: @grpc/grpc-js for the protocol and protobufjs for the messages, which reads the .proto
 * files as the author of any client does.
 */
import { fileURLToPath } from "node:url";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { load, type MethodDefinition } from "@grpc/proto-loader";
import { ErrorInfoSchema, RetryInfoSchema } from "../../src/grpc/gen/google/rpc/error_details_pb.ts";

const definitions = await load(
  [
    "inference/inference_service.proto",
    "cupel/v1/vision.proto",
    "grpc/health/v1/health.proto",
    "grpc/reflection/v1/reflection.proto",
    "grpc/reflection/v1alpha/reflection.proto",
  ],
  {
    includeDirs: [fileURLToPath(new URL("../../proto", import.meta.url))],
    longs: String,
    enums: String,
    oneofs: true,
    defaults: true,
    keepCase: true,
  },
);

/** Fields as the .proto files name them. */
export type Message = Readonly<Record<string, unknown>>;

type Method = Pick<MethodDefinition<object, object>, "requestSerialize" | "responseDeserialize">;

/** How a message of the method is written and read. */
export function methodOf(path: string): Method {
  const [service = "", name = ""] = path.split("/");
  const methods = Object.entries(definitions[service] ?? {});
  const method: Method | undefined = methods.find(([each]) => each === name)?.[1];
  return method ?? { requestSerialize: () => Buffer.alloc(0), responseDeserialize: (bytes) => bytes };
}

export interface PeerCallOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Sends these bytes instead of a message. */
  readonly bytes?: Buffer;
}

/** The error of a call, with what its details say. */
export class PeerError extends Error {
  override readonly name = "PeerError";
  /** gRPC status. */
  readonly status: number;
  readonly reason: string | undefined;
  readonly details: Readonly<Record<string, string>>;
  readonly retryMs: number | null;

  constructor({
    code,
    details,
    metadata,
  }: Pick<ServiceError, "details" | "metadata"> & { readonly code: number }) {
    super(details);
    const headers = new Headers({ "grpc-status": String(code) });
    const [bin] = metadata.get("grpc-status-details-bin");
    if (bin instanceof Buffer) headers.set("grpc-status-details-bin", bin.toString("base64"));
    const error = findTrailerError(headers);
    const info = error?.findDetails(ErrorInfoSchema)[0];
    const retry = error?.findDetails(RetryInfoSchema)[0]?.retryDelay;
    this.status = code;
    this.reason = info?.reason;
    this.details = info?.metadata ?? {};
    this.retryMs = retry === undefined ? null : Number(retry.seconds) * 1000 + retry.nanos / 1e6;
  }
}

/** Whatever carries the calls. */
export interface CallingPeer extends Disposable {
  /** @param path "inference.GRPCInferenceService/ModelInfer" */
  call(path: string, request?: object, options?: PeerCallOptions): Promise<Message>;
}

export class GrpcPeer implements CallingPeer {
  readonly #client: Client;

  constructor(port: number, options: Readonly<Record<string, number | string>> = {}) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.enable_retries": 0,
      ...options,
    });
  }

  call(path: string, request: object = {}, options: PeerCallOptions = {}): Promise<Message> {
    const { requestSerialize, responseDeserialize } = methodOf(path);
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const call = this.#client.makeUnaryRequest(
      `/${path}`,
      options.bytes === undefined ? requestSerialize : () => options.bytes!,
      responseDeserialize,
      request,
      metadataOf(options),
      callOptions(options),
      (error, answer) => (error ? reject(new PeerError(error)) : resolve({ ...answer })),
    );
    options.signal?.addEventListener("abort", () => call.cancel(), { once: true });
    return promise;
  }

  /** Read it as an async iterable; what it throws, `PeerError` takes. */
  stream(path: string, options: PeerCallOptions = {}): ClientDuplexStream<object, Message> {
    const { requestSerialize, responseDeserialize } = methodOf(path);
    return this.#client.makeBidiStreamRequest(
      `/${path}`,
      requestSerialize,
      (bytes: Buffer): Message => ({ ...responseDeserialize(bytes) }),
      metadataOf(options),
      callOptions(options),
    );
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

function metadataOf({ metadata = {} }: PeerCallOptions): Metadata {
  const made = new Metadata();
  for (const [name, value] of Object.entries(metadata)) made.set(name, value);
  return made;
}

function callOptions({ timeoutMs }: PeerCallOptions): CallOptions {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}
