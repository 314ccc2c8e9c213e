/** A client of the methods of gRPC: tensors as raw contents, images as messages. By default by @grpc/grpc-js. */
import type { IndexEntry, ModelMetadata, ModelState, NumberTensor, Tensor, ToldClass } from "@cupel/serve";
import { type CallingPeer, GrpcPeer, type Message, PeerError } from "../support/grpc-peer.ts";
import { type BehaviourClient, type CallOptions, Refusal } from "./client.ts";
import { arrays } from "./tensor-arrays.ts";

const inference = "inference.GRPCInferenceService";

export function grpcClient(
  port: number,
  ownKey: string,
  peer: CallingPeer = new GrpcPeer(port),
): BehaviourClient {
  async function ask(method: string, request: object, options: CallOptions = {}): Promise<Message> {
    const { key = ownKey, timeoutMs, signal } = options;
    try {
      return await peer.call(method, request, {
        metadata: key === null ? {} : { "x-api-key": key },
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (thrown) {
      if (!(thrown instanceof PeerError)) throw thrown;
      const { status, message, retryMs, reason } = thrown;
      // A deadline may pass at the client before the server's word of it arrives.
      const code = reason ?? (status === 4 ? "DEADLINE_EXCEEDED" : "");
      throw new Refusal({ code, status, message, retryAfterMs: retryMs });
    }
  }

  return {
    async infer({ model, version = "", id = "", inputs, outputs = [] }, options) {
      const request = {
        model_name: model,
        model_version: version,
        id,
        inputs: inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
        outputs: outputs.map((name) => ({ name })),
        raw_input_contents: inputs.map(rawOf),
      };
      const answer = await ask(`${inference}/ModelInfer`, request, options);
      const told = answer.outputs as readonly WrittenTensor[];
      const raw = answer.raw_output_contents as readonly Buffer[];
      return {
        model: String(answer.model_name),
        version: String(answer.model_version),
        ...(answer.id === "" ? {} : { id: String(answer.id) }),
        outputs: told.map(
          ({ name, datatype, shape }, i): NumberTensor => ({
            name,
            datatype,
            shape: shape.map(Number),
            data: new arrays[datatype](Uint8Array.from(raw[i]!).buffer),
          }),
        ),
      };
    },
    async predict({ model, version = "", id = "", images, ...choices }, options) {
      const sent = images.map(({ kind, bytes, ...size }) => ({
        data: bytes,
        format: kind === "encoded" ? 0 : `PIXEL_FORMAT_${kind.toUpperCase()}`,
        ...size,
      }));
      const request = { model, version, id, images: sent, ...choices };
      const answer = await ask("cupel.v1.VisionService/Predict", request, options);
      const answers = answer.answers as readonly WrittenAnswer[];
      return {
        model: String(answer.model),
        version: String(answer.version),
        id: String(answer.id),
        task: String(answer.task),
        answers: answers.map(({ width, height, classes }) => ({
          width,
          height,
          classes: classes.map(({ name, ...rest }) => ({ ...rest, name: name ?? null })),
        })),
      };
    },
    isReady: async () => (await ask(`${inference}/ServerReady`, {})).ready === true,
    isModelReady: async (name, version = "") =>
      (await ask(`${inference}/ModelReady`, { name, version })).ready === true,
    async modelMetadata(name, version = "", options) {
      const answer = await ask(`${inference}/ModelMetadata`, { name, version }, options);
      const tensors = (values: unknown) =>
        (values as readonly WrittenTensor[]).map(({ shape, ...tensor }) => ({
          ...tensor,
          shape: shape.map(Number),
        }));
      return {
        ...(answer as unknown as ModelMetadata),
        inputs: tensors(answer.inputs),
        outputs: tensors(answer.outputs),
      };
    },
    async index(options) {
      const { models } = await ask(`${inference}/RepositoryIndex`, {}, options);
      return (models as readonly (IndexEntry & { readonly state: ModelState })[]).map((entry) => ({
        ...entry,
      }));
    },
    async load(model_name, options) {
      await ask(`${inference}/RepositoryModelLoad`, { model_name }, options);
    },
    async unload(model_name, options) {
      await ask(`${inference}/RepositoryModelUnload`, { model_name }, options);
    },
    async [Symbol.asyncDispose]() {
      peer[Symbol.dispose]();
    },
  };
}

interface WrittenTensor {
  readonly name: string;
  readonly datatype: keyof typeof arrays;
  /** 64-bit integers as text. */
  readonly shape: readonly string[];
}

interface WrittenAnswer {
  readonly width: number;
  readonly height: number;
  readonly classes: readonly (Omit<ToldClass, "name"> & { readonly name?: string })[];
}

function rawOf(tensor: Tensor): Buffer {
  if (tensor.datatype !== "BYTES") {
    const { buffer, byteOffset, byteLength } = tensor.data;
    return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  }
  return Buffer.concat(
    tensor.data.flatMap((bytes) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.byteLength);
      return [length, bytes];
    }),
  );
}
