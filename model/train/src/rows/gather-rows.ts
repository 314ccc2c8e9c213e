/** Reads rows by number, padding included; the one data movement of the layout of rows. */
import { attribute, Tensor, type Value } from "@cupel/onnx";
import type { Emitter } from "../emitter.ts";
import type { RowIndex } from "./row-index.ts";

/** Index tensors are large and the same for every layer of one geometry. */
const indices = new WeakMap<Emitter, Map<string, { readonly rows: Value; readonly perRow: number }>>();

/**
 * `[rows made, perRow * columns]` from `[rows, columns]`.
 * @param geometry what the index depends on, as a key
 * @param padding what the row after the last holds
 */
export function gatherRows(
  emit: Emitter,
  source: Value,
  geometry: string,
  make: () => RowIndex,
  padding = 0,
): Value {
  const { rows, perRow } = indexFor(emit, geometry, make);
  const columns = emit.dims(source)[1]!;
  // Gather copies whole rows, with as many threads as the engine has.
  const padded = emit.concat([source, emit.filled([1, columns], padding)], 0);
  const gathered = emit.op("Gather", [padded, rows], { axis: attribute.int(0) });
  const made = emit.dims(rows)[0]! / perRow;
  return emit.reshape(gathered, [made, perRow * columns]);
}

function indexFor(emit: Emitter, geometry: string, make: () => RowIndex) {
  const held = indices.get(emit) ?? new Map();
  indices.set(emit, held);
  let found = held.get(geometry);
  if (!found) {
    const { rows, perRow } = make();
    found = { rows: emit.constant(Tensor.int32([rows.length], rows)), perRow };
    held.set(geometry, found);
  }
  return found;
}
