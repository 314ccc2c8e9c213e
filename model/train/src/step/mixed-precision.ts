/**
 * Mixed precision as a pass over a training step (Micikevicius et al. 2018): operators that are mostly
 * arithmetic compute in float16, between casts; parameters, sums and everything delicate stay float32.
 *
 * The step's parameters are its master weights: they are cast anew each step and updated in float32. Loss
 * scaling, without which small gradients vanish, is `loss-scaling.ts`.
 */
import {
  attribute,
  elementTypes,
  type Graph,
  type Model,
  type Node,
  operatorFacts,
  type Pass,
  tensorType,
  type Value,
} from "@cupel/onnx";

/**
 * Where an operator computes. "half": in float16. "follows": it moves numbers without computing, so it does
 * so in float16 when all its readers do, and half as many bytes are moved. Other operators stay float32, among
 * them reductions, Softmax, Exp and Log, normalisation and what losses and optimisers are made of.
 */
function placementOf(node: Node): "half" | "follows" | null {
  if (node.is("Conv", "ConvTranspose", "Gemm", "MatMul")) return "half";
  const moves = operatorFacts(node).rearranges || node.is("Concat", "Expand", "Gather", "Slice");
  return moves ? "follows" : null;
}

export const mixedPrecision: Pass = {
  name: "mixed-precision",
  requires: ["typed"],
  run(model: Model) {
    const { graph } = model;
    const halves = new Halves(graph);
    let products = 0;
    for (const node of [...graph.nodes]) {
      if (!computesInHalf(graph, node)) continue;
      halves.convert(node);
      if (placementOf(node) === "half") products++;
    }
    if (products === 0) return { modified: false, notes: [] };
    return {
      modified: true,
      notes: [
        `${products} matrix products and convolutions compute in float16. The CPU engine has no such kernels and ` +
          "computes them in float32: mixed precision saves no time there, it is for GPU providers.",
      ],
    };
  },
};

/** Float32 values of a graph and the same numbers in float16. */
class Halves {
  readonly #graph: Graph;
  readonly #halves = new Map<Value, Value>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** Nodes MUST be given in the order of the graph. */
  convert(node: Node): void {
    for (const [index, input] of node.inputs.entries()) {
      if (input && isFloat32(input)) node.setInput(index, this.#half(input, node));
    }
    const { output } = node;
    const wide = this.#graph.newValue(`${output.name}/float32`, output.type);
    this.#graph.replaceUses(output, wide);
    output.type = tensorType("float16", output.shape);
    this.#graph.insertAfter(node, castNode(output, "float32", wide));
    this.#halves.set(wide, output);
  }

  #half(value: Value, reader: Node): Value {
    const held = this.#halves.get(value);
    if (held) return held;
    const half = this.#graph.newValue(`${value.name}/float16`, tensorType("float16", value.shape));
    this.#graph.insertBefore(reader, castNode(value, "float16", half));
    this.#halves.set(value, half);
    return half;
  }
}

function computesInHalf(graph: Graph, node: Node): boolean {
  const placement = placementOf(node);
  if (placement === null || !isFloat32(node.output) || graph.isOutput(node.output)) return false;
  if (placement === "half") return !isSum(node);
  const readers = node.output.consumers;
  return readers.length > 0 && readers.every((reader) => computesInHalf(graph, reader));
}

/** A product with ones is a reduction in disguise (see `Emitter.sumTo` and `rows/batch-normalisation.ts`). */
function isSum(node: Node): boolean {
  return node.inputs.some((input) => input?.producer?.is("ConstantOfShape"));
}

function isFloat32(value: Value): boolean {
  if (value.constant) return value.constant.type === "float32";
  return value.type?.kind === "tensor" && value.type.elementType === "float32";
}

function castNode(from: Value, to: "float32" | "float16", output: Value) {
  return {
    opType: "Cast",
    name: output.name,
    inputs: [from],
    outputs: [output],
    attributes: { to: attribute.int(elementTypes[to].code) },
  };
}
