/** Where the weights of a model lie in its bytes, told without decoding or even reading them. */
import { externalLocation } from "./external-data.ts";
import {
  type ByteSource,
  broken,
  entryAt,
  fieldsOf,
  longestText,
  varint,
  walkTensors,
} from "./tensor-walk.ts";

export interface TensorPlace {
  readonly name: string;
  /** `TensorProto.DataType`; 1 for the numbers of `float_data`. */
  readonly type: number;
  readonly dims: readonly number[];
  /** Of the model's own bytes; null where the elements lie in another file, or in a field of varints. */
  readonly data: { readonly start: number; readonly length: number } | null;
  /** As the model writes them: what may be read is for the reader to judge. */
  readonly external: ReadonlyMap<string, string> | null;
}

/** Fields of TensorProto. */
const tensorField = { dims: 1, type: 2, floats: 4, name: 8, raw: 9, external: 13, location: 14 };
const float32Type = 1;

/** A longer list of sizes is none. */
const mostDims = 64;

const text = new TextDecoder();

/** In their order in the file. @throws MODEL_NOT_PROTOBUF where it is not a whole message with a graph */
export function tensorPlaces(source: ByteSource): readonly TensorPlace[] {
  const found: TensorPlace[] = [];
  const hasGraph = walkTensors(source, (start, end) => found.push(tensorAt(source, start, end)));
  if (!hasGraph) throw broken("it has no graph");
  return found;
}

function tensorAt(source: ByteSource, start: number, end: number): TensorPlace {
  let name = "";
  let type = 0;
  let data: TensorPlace["data"] = null;
  const dims: number[] = [];
  let isExternal = false;
  const external = new Map<string, string>();
  for (const { number, value, start: at, length } of fieldsOf(source, start, end)) {
    if (number === tensorField.dims) {
      const sizes = Number.isNaN(value) ? packedNumbers(source, at, length) : [value];
      if (dims.length + sizes.length <= mostDims) dims.push(...sizes);
    } else if (number === tensorField.type) type = value;
    else if (number === tensorField.location) isExternal = value === externalLocation;
    else if (Number.isNaN(value) && length <= longestText && number === tensorField.name) {
      name = text.decode(source.part(at, length));
    } else if (Number.isNaN(value) && number === tensorField.external) {
      const [key, content] = entryAt(source, at, at + length);
      external.set(key, content);
    } else if (Number.isNaN(value) && number === tensorField.raw) data = { start: at, length };
    else if (Number.isNaN(value) && number === tensorField.floats) {
      data = { start: at, length };
      type = float32Type;
    }
  }
  const facts = { name, type, dims };
  return isExternal ? { ...facts, data: null, external } : { ...facts, data, external: null };
}

/** Some writers put the sizes into one field, others into one each. */
function packedNumbers(source: ByteSource, start: number, length: number): number[] {
  const numbers: number[] = [];
  const cursor = { at: start };
  while (cursor.at < start + length && numbers.length <= mostDims) {
    numbers.push(varint(source, cursor, start + length));
  }
  return numbers;
}
