/**
 * A correspondence for any two models, made from the names of their values alone: the same name, or the name
 * with a suffix that a quantiser gives the rounded copy. What neither leads to has no counterpart.
 */
import { type Correspondence, type Graph, sameAs, type Value } from "@cupel/onnx";

/** Of the rounded copy of a value, by the tool that writes it. */
const roundedSuffixes = [
  // Cupel.
  ".dq",
  // onnxruntime.quantization, QDQ format.
  "_DequantizeLinear_Output",
];

export function matchNames(original: Graph, compressed: Graph): Correspondence {
  const found = new Map(
    [...original.values()].flatMap((value) => {
      const counterpart = counterpartOf(value, compressed);
      return counterpart ? [[value.name, sameAs(counterpart.name)] as const] : [];
    }),
  );
  // Callers know outputs by their order as well.
  for (const [i, { name }] of original.outputs.entries()) {
    const output = compressed.outputs[i];
    if (output && !found.has(name)) found.set(name, sameAs(output.name));
  }
  return found;
}

function counterpartOf({ name }: Value, compressed: Graph): Value | undefined {
  const rounded = roundedSuffixes
    .map((suffix) => compressed.value(`${name}${suffix}`))
    .find((value) => value?.producer?.is("DequantizeLinear"));
  return rounded ?? compressed.value(name);
}
