/** What a request says of an input before its data, in whatever form that comes. */

import { serveErrors } from "../errors.ts";
import { type Datatype, datatypes, isNumberDatatype, type NumberDatatype } from "./datatype.ts";

export interface TensorHead {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
}

export interface NumberHead extends TensorHead {
  readonly datatype: NumberDatatype;
}

export function isNumberHead(head: TensorHead): head is NumberHead {
  return head.datatype !== "BYTES";
}

/** @throws DATATYPE_UNSUPPORTED */
export function tensorHead(entry: {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}): TensorHead {
  const { name, datatype, shape } = entry;
  if (datatype === "BYTES" || isNumberDatatype(datatype)) return { name, datatype, shape };
  throw serveErrors.error(
    "DATATYPE_UNSUPPORTED",
    `The input "${name}" is of datatype "${datatype}". The server takes ${Object.keys(datatypes).join(", ")} and BYTES.`,
    { details: { input: name, datatype } },
  );
}
