/** Tensors of the schema become the core's, and the core's those of the schema. */

import { base64Bytes } from "../core/base64-bytes.ts";
import type { Datatype } from "../core/datatype.ts";
import { notA, numbersOf } from "../core/number-values.ts";
import type { NumberTensor, Tensor } from "../core/tensor.ts";
import { readElements, readNumbers, tensorBytes } from "../core/tensor-bytes.ts";
import { isNumberHead, type NumberHead, type TensorHead } from "../core/tensor-head.ts";
import { serveErrors } from "../errors.ts";
import { textOf } from "./long-text.ts";

export interface TensorInput {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data?: readonly unknown[] | null;
  readonly base64?: Uint8Array | null;
}

/** @throws REQUEST_INVALID, INPUT_SHAPE_MISMATCH, DATATYPE_UNSUPPORTED */
export function readTensor({ data, base64, ...head }: TensorInput): Tensor {
  if (head.shape.some((size) => size < 0)) throw invalid(head, "has a negative size in its shape");
  if (data && !base64) {
    if (isNumberHead(head)) return { ...head, data: numbersOf(exact(data, head), head, false) };
    return { ...head, datatype: "BYTES", data: data.map((text, index) => elementBytes(text, index, head)) };
  }
  if (base64 && !data) {
    if (isNumberHead(head)) return { ...head, data: readNumbers(base64, head) };
    return { ...head, datatype: "BYTES", data: readElements(base64, head) };
  }
  throw invalid(head, "has either data or base64");
}

/** Whole numbers of 64 bits come as text. @throws REQUEST_INVALID */
function exact(values: readonly unknown[], head: NumberHead): readonly unknown[] {
  if (head.datatype !== "INT64" && head.datatype !== "UINT64") return values;
  return values.map((value) =>
    typeof value === "string" && /^-?\d{1,20}$/.test(value) ? BigInt(value) : value,
  );
}

function elementBytes(value: unknown, index: number, head: TensorHead): Uint8Array {
  const text = textOf(value);
  const bytes = text === null ? null : base64Bytes(text);
  if (bytes) return bytes;
  throw notA(head, index, value);
}

function invalid({ name }: TensorHead, what: string): Error {
  return serveErrors.error("REQUEST_INVALID", `The input "${name}" ${what}.`, { details: { input: name } });
}

/** Elements as JSON carries them; whole numbers of 64 bits as text. @throws NOT_ACCEPTABLE */
export function tensorData(tensor: NumberTensor): readonly unknown[] {
  const { datatype, data } = tensor;
  if (datatype === "FP16") throw notInJson(tensor, "is FP16, which JSON does not carry");
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Array.from(data, String);
  if (datatype === "BOOL") return Array.from(data, (value) => value !== 0);
  const values = Array.from(data as Exclude<typeof data, BigInt64Array | BigUint64Array>);
  const odd = values.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0) throw notInJson(tensor, `is ${values[odd]} at element ${odd}, which JSON does not carry`);
  return values;
}

export function tensorBase64(tensor: NumberTensor): Uint8Array {
  return tensorBytes(tensor);
}

function notInJson({ name, datatype }: NumberTensor, what: string): Error {
  return serveErrors.error("NOT_ACCEPTABLE", `The output "${name}" ${what}. Ask for its field base64.`, {
    details: { output: name, datatype },
  });
}
