/** Plain numbers become the array of a datatype; what does not fit is refused by name rather than bent. */

import { serveErrors } from "../errors.ts";
import { datatypes, type NumberDatatype } from "./datatype.ts";
import type { NumberTensor } from "./tensor.ts";
import type { NumberHead, TensorHead } from "./tensor-head.ts";

interface Limits {
  readonly least: number;
  readonly most: number;
}

/** Of FP16 there is none: its array holds bit patterns, and numbers are not those. */
const limits: Readonly<Record<Exclude<NumberDatatype, "FP16">, Limits>> = {
  BOOL: { least: 0, most: 1 },
  UINT8: { least: 0, most: 255 },
  UINT16: { least: 0, most: 65_535 },
  UINT32: { least: 0, most: 4_294_967_295 },
  UINT64: { least: 0, most: Number.MAX_SAFE_INTEGER },
  INT8: { least: -128, most: 127 },
  INT16: { least: -32_768, most: 32_767 },
  INT32: { least: -2_147_483_648, most: 2_147_483_647 },
  INT64: { least: Number.MIN_SAFE_INTEGER, most: Number.MAX_SAFE_INTEGER },
  // Half a step above the largest float a double rounds to infinity.
  FP32: { least: -3.4028235677973362e38, most: 3.4028235677973362e38 },
  FP64: { least: -Number.MAX_VALUE, most: Number.MAX_VALUE },
};

/**
 * @param takesNotFinite whether NaN and infinities may be among floats
 * @throws REQUEST_INVALID, DATATYPE_UNSUPPORTED
 */
export function numbersOf(
  values: readonly unknown[],
  head: NumberHead,
  takesNotFinite: boolean,
): NumberTensor["data"] {
  const { datatype } = head;
  if (datatype === "FP16") {
    throw serveErrors.error(
      "DATATYPE_UNSUPPORTED",
      `The input "${head.name}" is FP16, which plain numbers do not carry. Send it as binary data, or as a typed array of CBOR.`,
      { details: { input: head.name, datatype } },
    );
  }
  const { least, most } = limits[datatype];
  const isFloat = datatype === "FP32" || datatype === "FP64";
  const data = new datatypes[datatype].array(values.length);
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array ? data : null;
  /** The low half first, in the order of the processors that Node.js runs on: no BigInt is made for each. */
  const words = wide && new Uint32Array(wide.buffer, 0, wide.length * 2);
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (
      typeof value === "number" &&
      value >= least &&
      value <= most &&
      (isFloat || Number.isInteger(value))
    ) {
      if (words === null) data[index] = value;
      else {
        words[index * 2] = value;
        words[index * 2 + 1] = Math.floor(value / 0x1_0000_0000);
      }
    } else if (datatype === "BOOL" && typeof value === "boolean") data[index] = Number(value);
    else if (wide && typeof value === "bigint" && fits(value, wide)) wide[index] = value;
    else if (isFloat && takesNotFinite && typeof value === "number" && !Number.isFinite(value)) {
      data[index] = value;
    } else throw notA(head, index, value);
  }
  return data;
}

function fits(value: bigint, data: BigInt64Array | BigUint64Array): boolean {
  return value === (data instanceof BigInt64Array ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value));
}

export function notA(head: TensorHead, index: number, value: unknown): Error {
  const is = typeof value === "number" || typeof value === "bigint" ? String(value) : kindOf(value);
  return serveErrors.error(
    "REQUEST_INVALID",
    `Element ${index} of the input "${head.name}" is ${is}, which is not of ${head.datatype}.`,
    { details: { input: head.name, datatype: head.datatype, element: index } },
  );
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "boolean" ? String(value) : `of type ${typeof value}`;
}
