/** Reads rows by number, padding included; the one data movement of the layout of rows. */
import { attribute, type Emitter, Tensor, type Value } from "@cupel/onnx";

/**
 * `[made, n * columns]` from `[rows, columns]`: n rows side by side for each row made.
 * @param geometry what the index depends on, as a key: it is the same for every layer of one geometry
 * @param index n row numbers for each row made; the number after the last row is a row of zeros
 */
export function gatherRows(
  emit: Emitter,
  source: Value,
  made: number,
  geometry: string,
  index: () => Int32Array,
): Value {
  const columns = emit.dims(source)[1]!;
  const rows = emit.shared(geometry, () => {
    const numbers = index();
    return Tensor.int32([numbers.length], numbers);
  });
  // Gather copies whole rows, with as many threads as the engine has.
  const padded = emit.concat([source, emit.filled([1, columns], 0)], 0);
  const gathered = emit.op("Gather", [padded, rows], { axis: attribute.int(0) });
  return emit.reshape(gathered, [made, (emit.dims(rows)[0]! / made) * columns]);
}
