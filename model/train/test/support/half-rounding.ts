/**
 * Float16 arithmetic on the CPU. Its engine computes float16 operators in float32 and drops pairs of casts
 * between them, so that nothing is rounded. An Identity on each side of a cast, which the engine keeps when
 * it does not optimise, holds the value in float16: every operand and result is rounded, and overflows, as
 * on a device that has float16 (whose sums inside an operator are float32 as well).
 */
import { encodeModel, inferShapes, type Model, readModel, type Value } from "@cupel/onnx";
import { openStatefulSession, type StatefulSession, type StatefulSessionOptions } from "@cupel/runtime";

/** In the place of `openStatefulSession`. */
export async function openRounding(
  source: Parameters<typeof openStatefulSession>[0],
  options: StatefulSessionOptions,
): Promise<StatefulSession> {
  if (typeof source === "string") throw new TypeError("a model in memory is expected");
  const model = readModel(source instanceof Uint8Array ? source : Buffer.concat(source));
  inferShapes(model);
  holdHalves(model);
  return openStatefulSession(encodeModel(model), { ...options, optimization: "disabled" });
}

function holdHalves({ graph }: Model): void {
  for (const node of [...graph.nodes]) {
    if (!node.is("Cast")) continue;
    const input = node.input(0)!;
    // Casts back to float32 are the only ones that read float16.
    if (isHalf(input)) {
      const held = graph.insertBefore(node, { opType: "Identity", inputs: [input] });
      node.setInput(0, held.output);
    } else if (isHalf(node.output)) {
      const held = graph.newValue("held");
      graph.replaceUses(node.output, held);
      graph.insertAfter(node, { opType: "Identity", inputs: [node.output], outputs: [held] });
    }
  }
}

function isHalf(value: Value): boolean {
  return value.type?.kind === "tensor" && value.type.elementType === "float16";
}
