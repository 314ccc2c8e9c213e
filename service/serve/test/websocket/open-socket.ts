/** The face on a port of its own beside that of gRPC, and clients of it that are written by hand, from the document. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { errorFrom } from "@cupel/base";
import { WebSocket } from "ws";
import { createGrpcFace } from "../../src/grpc/face.ts";
import { ErrorInfoSchema } from "../../src/grpc/gen/google/rpc/error_details_pb.ts";
import { type ListenOptions, listen } from "../../src/listener/listen.ts";
import { createWebSocketFace, type WebSocketFaceOptions } from "../../src/websocket/face.ts";
import { countingAdmission } from "../grpc/open-face.ts";
import { CountingInstruments } from "../support/counting-instruments.ts";
import { EchoService } from "../support/echo-service.ts";

export const inferPath = "/inference.GRPCInferenceService/ModelInfer";
export const streamPath = "/inference.GRPCInferenceService/ModelStreamInfer";
export const json = { "content-type": "application/grpc+json" };

/** With `withCors` none but the face's own look at the origin is tried. */
export async function openFace(
  options: Partial<WebSocketFaceOptions> = {},
  listening: Partial<ListenOptions> = {},
) {
  const echo = new EchoService();
  const { admission, state } = countingAdmission();
  const errors: unknown[] = [];
  const instruments = new CountingInstruments();
  const face = {
    service: echo,
    admission,
    instruments,
    bodyLimit: 2 << 20,
    cors: { origins: ["https://app.example"], maxAgeSeconds: 600 },
    onError: (error: unknown) => errors.push(error),
    ...options,
  };
  const faces = [createWebSocketFace(face), createGrpcFace(face)];
  const listener = await listen({
    faces,
    port: 0,
    instruments,
    onError: (error) => errors.push(error),
    ...listening,
  });
  return {
    echo,
    listener,
    state,
    instruments,
    url: listener.url.replace("http", "ws"),
    async [Symbol.asyncDispose]() {
      await listener.close(2_000);
      for (const each of faces) await each[Symbol.asyncDispose]();
      assert.deepEqual(
        errors.map((error) => errorFrom(error).message),
        [],
      );
      assert.equal(state.open, 0, "every call is disposed");
    },
  };
}

export function framed(flags: number, payload: string | Uint8Array = ""): Buffer {
  const bytes = Buffer.from(payload);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flags);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

export function headers(lines: Readonly<Record<string, string>> = json): Buffer {
  return framed(
    0x80,
    Object.entries(lines)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join(""),
  );
}

export const endOfStream = framed(0x80);

export const message = (value: unknown) => framed(0, JSON.stringify(value));

export const request = (modelName: string, id = "") => ({
  modelName,
  id,
  inputs: [{ name: "x", datatype: "UINT8", shape: ["1"], contents: { uintContents: [1] } }],
});

export interface Answered {
  readonly headers: Headers;
  readonly messages: readonly Record<string, unknown>[];
  readonly trailers: Headers;
  /** gRPC's status, and our code in its details. */
  readonly status: number;
  readonly reason: string | undefined;
  /** Of the socket. */
  readonly close: number;
}

export class RawStream {
  readonly socket: WebSocket;
  readonly #closed: Promise<number>;
  readonly #chunks: Buffer[] = [];

  constructor(url: string, options: WebSocket.ClientOptions = {}) {
    this.socket = new WebSocket(url, "cupel.grpc.v1", options);
    this.socket.on("message", (data, isBinary) => {
      assert.ok(isBinary);
      this.#chunks.push(data as Buffer);
    });
    this.socket.on("error", () => {});
    // A socket that fails closes too.
    this.#closed = new Promise((resolve) => this.socket.once("close", resolve));
  }

  async open(): Promise<this> {
    await once(this.socket, "open");
    return this;
  }

  send(...parts: readonly Uint8Array[]): void {
    this.socket.send(Buffer.concat(parts));
  }

  get frames(): readonly { readonly flags: number; readonly payload: Buffer }[] {
    const frames = [];
    const bytes = Buffer.concat(this.#chunks);
    for (let at = 0; at + 5 <= bytes.length; ) {
      const end = at + 5 + bytes.readUInt32BE(at + 1);
      assert.ok(end <= bytes.length, "a whole frame");
      frames.push({ flags: bytes.readUInt8(at), payload: bytes.subarray(at + 5, end) });
      at = end;
    }
    return frames;
  }

  get messages(): readonly Record<string, unknown>[] {
    return this.frames.filter(({ flags }) => flags === 0).map(({ payload }) => JSON.parse(String(payload)));
  }

  /** After the socket has closed. */
  async answered(): Promise<Answered> {
    const close = await this.#closed;
    const blocks = this.frames.filter(({ flags }) => flags === 0x80).map(({ payload }) => blockOf(payload));
    const [first = new Headers(), trailers = new Headers()] = blocks;
    assert.ok(blocks.length === 2 || blocks.length === 0, `${blocks.length} blocks`);
    return {
      headers: first,
      messages: this.messages,
      trailers,
      status: Number(trailers.get("grpc-status") ?? -1),
      reason: findTrailerError(trailers)?.findDetails(ErrorInfoSchema)[0]?.reason,
      close,
    };
  }

  get closeCode(): Promise<number> {
    return this.#closed;
  }
}

function blockOf(payload: Buffer): Headers {
  const lines = String(payload).split("\r\n");
  assert.equal(lines.pop(), "");
  return new Headers(lines.map((line) => line.split(": ", 2) as [string, string]));
}

/** Opens, sends, and waits for the end. */
export async function ask(url: string, ...parts: readonly Uint8Array[]): Promise<Answered> {
  const stream = await new RawStream(url).open();
  stream.send(...parts);
  return await stream.answered();
}
