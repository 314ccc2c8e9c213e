/** The official gRPC-Web client (npm grpc-web), which knows browsers alone (elsewhere ./xml-http-request.ts goes first), as the part of a transport that tests use. */
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Code, ConnectError, type Transport } from "@connectrpc/connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import grpcWeb, { type Metadata, type RpcError } from "grpc-web";

/** As the client names them; protoc's plug-in says `grpcweb` and `grpcwebtext`. */
export type OfficialMode = "binary" | "text";

/** Of a call: the messages of the client's own library are only carried. */
interface Carried {
  readonly message: object;
}

export class OfficialClient {
  readonly #client: grpcWeb.GrpcWebClientBase;
  readonly #url: string;

  constructor(url: string, format: OfficialMode) {
    this.#client = new grpcWeb.GrpcWebClientBase({ format });
    this.#url = url;
  }

  readonly unary: Transport["unary"] = (method, signal, _timeoutMs, header, input) => {
    const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<Transport["unary"]>>>();
    const call = this.#client.rpcCall<Carried, Carried>(
      `${this.#url}/${method.parent.typeName}/${method.name}`,
      { message: create(method.input, input as never) },
      Object.fromEntries(new Headers(header)),
      descriptorOf(method, "unary"),
      (error, answer) => {
        if (error) reject(errorOf(error));
        else
          resolve({
            stream: false,
            service: method.parent,
            method,
            header: new Headers(),
            trailer: new Headers(),
            message: answer.message as never,
          });
      },
    );
    signal?.addEventListener("abort", () => {
      call.cancel();
      reject(signal.reason);
    });
    return promise as never;
  };

  /** Answers and what ended them, in order. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { input: I; output: O },
    input: MessageInitShape<I>,
    metadata: Metadata = {},
  ) {
    const call = this.#client.serverStreaming<Carried, Carried>(
      `${this.#url}/${method.parent.typeName}/${method.name}`,
      { message: create(method.input, input) },
      metadata,
      descriptorOf(method, "server_streaming"),
    );
    return {
      cancel: () => call.cancel(),
      onData: (take: (answer: MessageShape<O>) => void) =>
        call.on("data", (answer) => take(answer.message as MessageShape<O>)),
      ended: new Promise<Metadata>((resolve, reject) => {
        let status: Metadata = {};
        call.on("error", (error) => reject(errorOf(error)));
        call.on("status", ({ metadata: trailers = {} }) => {
          status = trailers;
        });
        call.on("end", () => resolve(status));
      }),
    };
  }
}

function descriptorOf(method: DescMethod, kind: string) {
  class Message {
    readonly message = {};
  }
  return new grpcWeb.MethodDescriptor<Carried, Carried>(
    `/${method.parent.typeName}/${method.name}`,
    kind,
    Message,
    Message,
    ({ message }: Carried) => toBinary(method.input, message as never),
    (bytes: Uint8Array): Carried => ({ message: fromBinary(method.output, bytes) }),
  );
}

function errorOf({ code, message, metadata }: RpcError): ConnectError {
  const headers = new Headers({ ...metadata, "grpc-status": String(code) });
  const error = new ConnectError(message, code as number as Code);
  error.details = findTrailerError(headers)?.details ?? [];
  return error;
}
