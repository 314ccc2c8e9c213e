/**
 * A client that is not ours: @grpc/grpc-js for the protocol and protobufjs for the messages, which reads the .proto
 * files as any client's author does.
 */
import { fileURLToPath } from "node:url";
import { Client, credentials, type Deadline, Metadata, type ServiceError } from "@grpc/grpc-js";
import { load, type MethodDefinition, type PackageDefinition } from "@grpc/proto-loader";

const protos = fileURLToPath(new URL("../../proto", import.meta.url));

const definitions: PackageDefinition = await load(
  [
    "inference/inference_service.proto",
    "cupel/v1/vision.proto",
    "grpc/health/v1/health.proto",
    "grpc/reflection/v1/reflection.proto",
    "grpc/reflection/v1alpha/reflection.proto",
  ],
  { includeDirs: [protos], longs: String, enums: String, defaults: true, keepCase: true },
);

type Method = MethodDefinition<object, object>;

function methodOf(path: string): Method {
  const [service = "", name = ""] = path.split("/");
  const definition = definitions[service];
  if (
    definition === undefined ||
    !("ServerLive" in definition || "Predict" in definition || !("format" in definition))
  ) {
    throw new Error(`No service ${service}`);
  }
  const method = Object.entries(definition).find(([each]) => each === name)?.[1];
  return method as Method;
}

export interface PeerCallOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly deadline?: Deadline;
  readonly signal?: AbortSignal;
}

/** What came back: the message, or the error with its status. */
export interface PeerStream {
  send(request: object): void;
  end(): void;
  cancel(): void;
  readonly answers: AsyncIterable<any>;
}
