/**
 * Tensors as repeated fields: several datatypes share one field, so what does not fit the datatype is refused, never
 * wrapped. FP16 has no field: it comes raw.
 */
import type { TypedArray } from "@cupel/runtime";
import type { Datatype, NumberDatatype } from "../core/datatype.ts";
import { serveErrors } from "../errors.ts";
import type { InferTensorContents } from "./gen/inference/inference_service_pb.ts";

type Field = Exclude<keyof InferTensorContents, `$${string}`>;

interface Row {
  readonly field: Field;
  read(contents: InferTensorContents): TypedArray;
}

const rows: Readonly<Record<NumberDatatype, Row | null>> = {
  BOOL: { field: "boolContents", read: (from) => Uint8Array.from(from.boolContents, Number) },
  INT8: { field: "intContents", read: (from) => Int8Array.from(from.intContents) },
  INT16: { field: "intContents", read: (from) => Int16Array.from(from.intContents) },
  INT32: { field: "intContents", read: (from) => Int32Array.from(from.intContents) },
  INT64: { field: "int64Contents", read: (from) => BigInt64Array.from(from.int64Contents) },
  UINT8: { field: "uintContents", read: (from) => Uint8Array.from(from.uintContents) },
  UINT16: { field: "uintContents", read: (from) => Uint16Array.from(from.uintContents) },
  UINT32: { field: "uintContents", read: (from) => Uint32Array.from(from.uintContents) },
  UINT64: { field: "uint64Contents", read: (from) => BigUint64Array.from(from.uint64Contents) },
  FP16: null,
  FP32: { field: "fp32Contents", read: (from) => Float32Array.from(from.fp32Contents) },
  FP64: { field: "fp64Contents", read: (from) => Float64Array.from(from.fp64Contents) },
};
const allFields: readonly Field[] = [
  "boolContents",
  "intContents",
  "int64Contents",
  "uintContents",
  "uint64Contents",
  "fp32Contents",
  "fp64Contents",
  "bytesContents",
];

/** Datatypes whose field is wider than they are. */
const narrow: ReadonlySet<NumberDatatype> = new Set(["INT8", "INT16", "UINT8", "UINT16"]);

/** @throws REQUEST_INVALID, DATATYPE_UNSUPPORTED */
export function readTypedNumbers(
  contents: InferTensorContents,
  name: string,
  datatype: NumberDatatype,
): TypedArray {
  const row = rows[datatype];
  if (row === null) {
    throw serveErrors.error(
      "DATATYPE_UNSUPPORTED",
      `The input "${name}" is ${datatype}, which comes in raw_input_contents only.`,
      { details: { input: name, datatype } },
    );
  }
  assertAlone(contents, name, datatype, row.field);
  const data = row.read(contents);
  if (narrow.has(datatype)) {
    const sent = contents[row.field];
    const wrong = sent.findIndex((value, index) => value !== data[index]);
    if (wrong >= 0) {
      throw serveErrors.error(
        "REQUEST_INVALID",
        `The input "${name}" is ${datatype}, which ${sent[wrong]} at ${wrong} is outside of.`,
        { details: { input: name, datatype, element: wrong } },
      );
    }
  }
  return data;
}

/** @throws REQUEST_INVALID */
export function readTypedElements(contents: InferTensorContents, name: string): readonly Uint8Array[] {
  assertAlone(contents, name, "BYTES", "bytesContents");
  return contents.bytesContents;
}

/** @throws REQUEST_INVALID where another field has values too, which would be passed over */
function assertAlone(contents: InferTensorContents, name: string, datatype: Datatype, field: Field): void {
  const other = allFields.find((each) => each !== field && contents[each].length > 0);
  if (other === undefined) return;
  throw serveErrors.error(
    "REQUEST_INVALID",
    `The input "${name}" is ${datatype}, whose values are its ${snakeCase(field)}; it has ${snakeCase(other)}.`,
    { details: { input: name, datatype } },
  );
}

function snakeCase(field: Field): string {
  return field.replace(/[A-Z]/, (letter) => `_${letter.toLowerCase()}`);
}
