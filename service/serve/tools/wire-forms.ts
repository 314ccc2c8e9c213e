/**
 * Each form in which a tensor travels, read and written by the faces' own code, and what one would use without it. A
 * request of REST arrives in pieces as a socket gives them and is read from `readBody` on; a peer has its body whole.
 */

import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { own } from "@cupel/base";
import { Decoder, Encoder } from "cbor-x";
import { anonymous, type Call } from "../src/core/call.ts";
import type { InferenceResponse } from "../src/core/inference.ts";
import type { NumberTensor, Tensor } from "../src/core/tensor.ts";
import { tensorBytes } from "../src/core/tensor-bytes.ts";
import {
  ModelInferRequestSchema,
  ModelInferResponseSchema,
} from "../src/grpc/gen/inference/inference_service_pb.ts";
import { readInferenceRequest as readGrpc } from "../src/grpc/read-request.ts";
import { writeInferenceResponse as writeGrpc } from "../src/grpc/write-response.ts";
import { readBody } from "../src/http/body-limit.ts";
import { headerLengthHeader } from "../src/rest/binary-tensors.ts";
import { cborType } from "../src/rest/cbor.ts";
import type { Answer } from "../src/rest/exchange.ts";
import { readInferenceRequest as readRest } from "../src/rest/read-request.ts";
import { writeCborResponse, writeInferenceResponse as writeRest } from "../src/rest/write-response.ts";

export interface Way {
  /** "JSON", "CBOR", "binary", "gRPC"; those of peers begin with "peer: ". */
  readonly form: string;
  readonly direction: "read" | "write";
  /** Of the whole body. */
  readonly wireBytes: number;
  /** What was read, or the body that was written. */
  run(): Promise<unknown> | unknown;
}

/** As many bytes as Node reads from a socket at once. */
const pieceBytes = 65_536;
const bodyLimit = 2 ** 24;
const encoder = new Encoder({ useRecords: false });
const decoder = new Decoder({ useRecords: false });
const socket = new Socket();

export function waysOf(tensor: NumberTensor): readonly Way[] {
  const response: InferenceResponse = { model: "m", version: "1", id: "1", outputs: [tensor] };
  const bodies = bodiesOf(tensor);
  const read = (form: string, body: Buffer, run: Way["run"]): Way => ({
    form,
    direction: "read",
    wireBytes: body.length,
    run,
  });
  const write = (form: string, run: () => Uint8Array): Way => ({
    form,
    direction: "write",
    wireBytes: run().length,
    run,
  });
  const { json, cbor, cborList, binary, headerLength, grpc } = bodies;
  const isWide = tensor.data instanceof BigInt64Array;
  const texts = (): string =>
    `${JSON.stringify(plainMessage(tensor, null)).slice(0, -3)},"data":[${tensor.data.join(",")}]}]}`;
  return [
    read("JSON", json, () => readOverRest(json, { "content-type": "application/json" })),
    read("peer: JSON.parse", json, () => JSON.parse(json.toString())),
    ...(isWide
      ? [read("peer: JSON.parse, reviver", json, () => JSON.parse(json.toString(), reviveExactly))]
      : []),
    read("CBOR", cbor, () => readOverRest(cbor, { "content-type": cborType })),
    read("peer: cbor-x, a list", cborList, () => decoder.decode(cborList)),
    read("binary", binary, () => readOverRest(binary, { [headerLengthHeader]: String(headerLength) })),
    read("gRPC", grpc, () => numbersOf(readGrpc(fromBinary(ModelInferRequestSchema, grpc)).inputs)),
    write("JSON", () => bytesOf(writeRest(response, () => false))),
    isWide
      ? write("peer: join", () => Buffer.from(texts()))
      : write("peer: JSON.stringify", () =>
          Buffer.from(JSON.stringify(plainMessage(tensor, Array.from<unknown>(tensor.data)))),
        ),
    write("CBOR", () => bytesOf(writeCborResponse(response))),
    write("peer: cbor-x, a list", () =>
      encoder.encode(plainMessage(tensor, Array.from<unknown>(tensor.data))),
    ),
    write("binary", () => bytesOf(writeRest(response, () => true))),
    write("gRPC", () =>
      toBinary(ModelInferResponseSchema, create(ModelInferResponseSchema, writeGrpc(response))),
    ),
  ];
}

/** The same request in each form. INT64 in JSON has all its digits. */
function bodiesOf(tensor: NumberTensor) {
  const { name, datatype, shape, data } = tensor;
  const head = { name, datatype, shape };
  const parameters = { binary_data_size: data.byteLength };
  const binaryHead = Buffer.from(JSON.stringify({ id: "1", inputs: [{ ...head, parameters }] }));
  const request = (of: unknown) => ({ id: "1", inputs: [{ ...head, data: of }] });
  return {
    json: Buffer.from(
      `{"id":"1","inputs":[${JSON.stringify(head).slice(0, -1)},"data":[${shortest(data)}]}]}`,
    ),
    cbor: encoder.encode(request(data)),
    cborList: encoder.encode(request(Array.from<unknown>(data))),
    binary: Buffer.concat([binaryHead, tensorBytes(tensor)]),
    headerLength: binaryHead.length,
    grpc: Buffer.from(
      toBinary(
        ModelInferRequestSchema,
        create(ModelInferRequestSchema, {
          modelName: "m",
          id: "1",
          inputs: [{ name, datatype, shape: shape.map(BigInt) }],
          rawInputContents: [tensorBytes(tensor)],
        }),
      ),
    ),
  };
}

/** Floats as a client with doubles writes them that rounds to what a float has: nine digits. */
function shortest(data: NumberTensor["data"]): string {
  if (!(data instanceof Float32Array)) return data.join(",");
  return Array.from(data, (value) => String(Number(value.toPrecision(9)))).join(",");
}

function plainMessage({ name, datatype, shape }: NumberTensor, data: unknown) {
  const output = data === null ? { name, datatype, shape } : { name, datatype, shape, data };
  return { model_name: "m", model_version: "1", id: "1", outputs: [output] };
}

async function readOverRest(
  body: Buffer,
  headers: Readonly<Record<string, string>>,
): Promise<NumberTensor["data"]> {
  const request = new IncomingMessage(socket);
  Object.assign(request.headers, headers, { "content-length": String(body.length) });
  for (let at = 0; at < body.length; at += pieceBytes) request.push(body.subarray(at, at + pieceBytes));
  request.push(null);
  request.complete = true;
  const { signal } = new AbortController();
  const call: Call = { face: "rest", principal: anonymous, signal, address: "", times: {} };
  const read = await readRest({
    call,
    params: { model: "m" },
    header: (name) => {
      const value = own(request.headers, name);
      return typeof value === "string" ? value : undefined;
    },
    body: (alignAt) => readBody(request, { limit: bodyLimit, signal, alignAt }),
  });
  return numbersOf(read.request.inputs);
}

function numbersOf([tensor]: readonly Tensor[]): NumberTensor["data"] {
  if (tensor === undefined || tensor.datatype === "BYTES") throw new Error("A tensor of numbers was sent.");
  return tensor.data;
}

function bytesOf({ body }: Answer): Uint8Array {
  if (body instanceof Uint8Array) return body;
  throw new Error("The answer is bytes.");
}

/** All digits of every number, which is what a reviver can do: it is called for each. */
function reviveExactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" && context?.source !== undefined ? BigInt(context.source) : value;
}
