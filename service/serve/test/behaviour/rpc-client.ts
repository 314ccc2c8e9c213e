/** A client of the gRPC-Web and Connect faces, by whatever carries a message there and back. */
import type { DescMessage, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError, type Transport } from "@connectrpc/connect";
import type { ModelState, NumberTensor, Tensor } from "@cupel/serve";
import { PixelFormat, VisionService } from "../../src/grpc/gen/cupel/v1/vision_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../../src/grpc/gen/google/rpc/error_details_pb.ts";
import { GRPCInferenceService } from "../../src/grpc/gen/inference/inference_service_pb.ts";
import { type BehaviourClient, type CallOptions, Refusal } from "./client.ts";
import { arrays } from "./tensor-arrays.ts";

const { method: inference } = GRPCInferenceService;

export interface RpcTransport extends Pick<Transport, "unary"> {
  /** Ends connections that would be kept. */
  close?(): void;
}

export interface RpcClientOptions {
  readonly transport: RpcTransport;
  readonly key: string;
  /** How the protocol tells a server when a call is late. */
  readonly deadline: (ms: number) => Readonly<Record<string, string>>;
}

export const connectDeadline: RpcClientOptions["deadline"] = (ms) => ({ "connect-timeout-ms": String(ms) });
export const grpcDeadline: RpcClientOptions["deadline"] = (ms) => ({ "grpc-timeout": `${ms}m` });

export function rpcClient({ transport, key: ownKey, deadline }: RpcClientOptions): BehaviourClient {
  async function ask<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    message: MessageInitShape<I>,
    { key = ownKey, timeoutMs, signal }: CallOptions = {},
  ) {
    const header = {
      ...(key === null ? {} : { "x-api-key": key }),
      ...(timeoutMs === undefined ? {} : deadline(timeoutMs)),
    };
    try {
      return (await transport.unary(method, signal, undefined, header, message)).message;
    } catch (thrown) {
      if (!(thrown instanceof ConnectError)) throw thrown;
      const { code: status, rawMessage } = thrown;
      const [info] = thrown.findDetails(ErrorInfoSchema);
      const delay = thrown.findDetails(RetryInfoSchema)[0]?.retryDelay;
      const retryAfterMs = delay === undefined ? null : Number(delay.seconds) * 1000 + delay.nanos / 1e6;
      throw new Refusal({ code: info?.reason ?? "", status, message: rawMessage, retryAfterMs });
    }
  }

  return {
    async infer({ model, version = "", id = "", inputs, outputs = [] }, options) {
      const request = {
        modelName: model,
        modelVersion: version,
        id,
        inputs: inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map(BigInt) })),
        outputs: outputs.map((name) => ({ name })),
        rawInputContents: inputs.map(rawOf),
      };
      const answer = await ask(inference.modelInfer, request, options);
      return {
        model: answer.modelName,
        version: answer.modelVersion,
        ...(answer.id === "" ? {} : { id: answer.id }),
        outputs: answer.outputs.map(({ name, datatype, shape }, i): NumberTensor => {
          const type = datatype as keyof typeof arrays;
          const data = new arrays[type](Uint8Array.from(answer.rawOutputContents[i]!).buffer);
          return { name, datatype: type, shape: shape.map(Number), data };
        }),
      };
    },
    async predict({ model, version = "", id = "", images, top }, options) {
      const sent = images.map(({ kind, bytes, ...size }) => ({
        data: Uint8Array.from(bytes),
        format: kind === "encoded" ? PixelFormat.UNSPECIFIED : PixelFormat.RGB,
        ...size,
      }));
      const request = { model, version, id, images: sent, ...(top === undefined ? {} : { top }) };
      const answer = await ask(VisionService.method.predict, request, options);
      return {
        model: answer.model,
        version: answer.version,
        id: answer.id,
        task: answer.task,
        answers: answer.answers.map(({ width, height, classes }) => ({
          width,
          height,
          classes: classes.map(({ index, name, score }) => ({ index, score, name: name ?? null })),
        })),
      };
    },
    isReady: async () => (await ask(inference.serverReady, {})).ready,
    isModelReady: async (name, version = "") => (await ask(inference.modelReady, { name, version })).ready,
    async modelMetadata(model, version = "", options) {
      const answer = await ask(inference.modelMetadata, { name: model, version }, options);
      const { name, versions, platform, inputs, outputs, properties } = answer;
      const tensors = (told: typeof inputs) =>
        told.map((tensor) => ({
          name: tensor.name,
          datatype: tensor.datatype as keyof typeof arrays,
          shape: tensor.shape.map(Number),
        }));
      return { name, versions, platform, inputs: tensors(inputs), outputs: tensors(outputs), properties };
    },
    async index(options) {
      const { models } = await ask(inference.repositoryIndex, {}, options);
      return models.map(({ name, version, state, reason }) => ({
        name,
        version,
        state: state as ModelState,
        reason,
      }));
    },
    async load(modelName, options) {
      await ask(inference.repositoryModelLoad, { modelName }, options);
    },
    async unload(modelName, options) {
      await ask(inference.repositoryModelUnload, { modelName }, options);
    },
    async [Symbol.asyncDispose]() {
      transport.close?.();
    },
  };
}

/** As raw_input_contents has it. */
function rawOf(tensor: Tensor): Uint8Array<ArrayBuffer> {
  if (tensor.datatype !== "BYTES") {
    const { buffer, byteOffset, byteLength } = tensor.data;
    return Uint8Array.from(new Uint8Array(buffer, byteOffset, byteLength));
  }
  const elements = tensor.data.flatMap((bytes) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.byteLength);
    return [length, bytes];
  });
  return Uint8Array.from(Buffer.concat(elements));
}
