/**
 * Tensors inside JSON. Whole numbers of 64 bits stay exact in both directions; FP16, NaN and infinities have no form
 * there.
 */
import { elementCount } from "@cupel/base/portable";
import { clientError } from "../errors.ts";
import {
  type ArrayOf,
  arrays,
  isNumberDatatype,
  type NumberDatatype,
  numberTensor,
  type Tensor,
} from "../messages/tensor.ts";
import type { TensorHead } from "../messages/tensor-bytes.ts";
import { fromBase64, toBase64 } from "./base64.ts";

/** The text of `data`. @throws FACE_UNSUPPORTED */
export function writeJsonData(tensor: Tensor): string {
  switch (tensor.datatype) {
    case "BYTES":
      return JSON.stringify(tensor.data.map(toBase64));
    case "BOOL":
      return JSON.stringify(Array.from(tensor.data, (value) => value !== 0));
    case "FP16":
      throw unsendable(tensor.name, "is FP16");
    case "FP32":
    case "FP64":
      return `[${Array.from(tensor.data, (value) => writeNumber(value, tensor.name)).join(",")}]`;
    default:
      return `[${tensor.data.join(",")}]`;
  }
}

function writeNumber(value: number, name: string): string {
  if (!Number.isFinite(value)) throw unsendable(name, `has the element ${value}`);
  return Object.is(value, -0) ? "-0" : String(value);
}

function unsendable(name: string, what: string): Error {
  return clientError(
    "FACE_UNSUPPORTED",
    `The input "${name}" ${what}, which JSON does not carry. Choose the face "rest-binary".`,
    {
      mayHaveRun: false,
      details: { input: name },
    },
  );
}

/** JSON whose whole numbers beyond 2^53 are bigints. */
export function parseExactly(text: string): unknown {
  // The third argument, the text of a value, is in every engine that the client runs on, but not yet in TypeScript.
  const exact = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
      ? BigInt(context!.source!)
      : value;
  return JSON.parse(text, exact);
}

/** @throws ANSWER_INVALID */
export function readJsonData({ name, datatype, shape }: TensorHead, data: unknown): Tensor {
  const elements = Array.isArray(data) ? data.flat(Number.POSITIVE_INFINITY) : null;
  const invalid = () =>
    clientError(
      "ANSWER_INVALID",
      `The data of the output "${name}" is not ${datatype} of shape [${shape.join(", ")}].`,
    );
  if (elements === null || elements.length !== elementCount(shape)) throw invalid();
  if (datatype === "BYTES" && elements.every((each) => typeof each === "string"))
    return { name, datatype, shape, data: elements.map(fromBase64) };
  if (!isNumberDatatype(datatype)) throw invalid();
  try {
    return numberTensor(name, datatype, shape, typed(datatype, elements));
  } catch {
    throw invalid();
  }
}

function typed(datatype: NumberDatatype, elements: readonly unknown[]): ArrayOf<NumberDatatype> {
  if (datatype === "INT64") return BigInt64Array.from(elements, wholeNumber);
  if (datatype === "UINT64") return BigUint64Array.from(elements, wholeNumber);
  return arrays[datatype].from(elements.map(plainNumber));
}

function plainNumber(value: unknown): number {
  if (typeof value === "number" || typeof value === "boolean") return Number(value);
  throw new TypeError("not a number");
}

function wholeNumber(value: unknown): bigint {
  if (typeof value === "bigint" || typeof value === "number") return BigInt(value);
  throw new TypeError("not a number");
}
