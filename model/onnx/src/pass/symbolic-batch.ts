/**
 * Makes the number of images a run open where an exporter fixed it: axis 0 of every input becomes a symbol, and
 * a Reshape whose target has the fixed number there keeps the axis instead.
 *
 * That is done only where it is certain to mean the same for each image: everything that follows from the inputs
 * MUST keep the images along axis 0. Where a node does not (a Transpose that moves the axis, a Reshape that mixes
 * it with others, a constant of one image joined to each), the model stays as it is, and the note names the node.
 */
import { CupelError } from "@cupel/base";
import {
  cloneModel,
  type Graph,
  type Model,
  type Node,
  type Shape,
  subgraphsOf,
  Tensor,
  tensorType,
  type Value,
} from "../graph/index.ts";
import { inferShapes } from "../infer/infer-shapes.ts";
import type { Pass } from "./pass.ts";

/** What is told of shapes and not of images. */
const shapeOperators = ["Shape", "Size"];

export const symbolicBatch: Pass = {
  name: "symbolic-batch",
  run(model) {
    const inputs = fedInputs(model.graph);
    const [size] = new Set(inputs.map((input) => input.shape?.[0] ?? null));
    const isFixed =
      inputs.length > 0 &&
      inputs.every(({ shape }) => shape !== null && shape.length > 1 && shape[0] === size);
    if (!isFixed || typeof size === "string") return { modified: false, notes: [] };
    // What cannot be done is found out on a copy.
    const obstacle = open(cloneModel(model), size ?? null);
    if (obstacle !== null) {
      const kept = size === null ? [] : [`the batch stays ${size}: ${obstacle}`];
      return { modified: false, notes: kept };
    }
    open(model, size ?? null);
    const what =
      size === null
        ? "gave the open number of images a name"
        : `a batch of ${size} became any number of images`;
    return { modified: true, notes: [what] };
  },
};

function fedInputs(graph: Graph): Value[] {
  return graph.inputs.filter((input) => !input.constant);
}

/** @returns what stands in the way, in words; null when the model is open now. */
function open(model: Model, size: number | null): string | null {
  const { graph } = model;
  const symbol = unusedSymbol(graph);
  const faces = new Set([...fedInputs(graph), ...graph.outputs]);
  for (const value of graph.values()) {
    if (value.type?.kind !== "tensor" || value.constant) continue;
    const { elementType, shape } = value.type;
    // What a file declares of the values between was inferred for the fixed number.
    value.type = tensorType(elementType, faces.has(value) ? opened(shape, size, symbol) : null);
  }
  const open = new Set<Value>(fedInputs(graph));
  for (const node of graph.nodes) {
    if (!node.inputs.some((value) => value && open.has(value)) || node.is(...shapeOperators)) continue;
    if (subgraphsOf(node).length > 0) return `${node.label} has a body`;
    if (node.is("Reshape")) keepAxis(graph, node, size);
    for (const output of node.outputs) open.add(output);
  }
  return inferred(model, symbol) ?? closedAt(graph, open, symbol) ?? conflictAtTwo(model);
}

function opened(shape: Shape, size: number | null, symbol: string): Shape {
  return shape !== null && shape.length > 0 && shape[0] === size ? [symbol, ...shape.slice(1)] : shape;
}

function unusedSymbol(graph: Graph): string {
  const taken = new Set(Array.from(graph.values(), ({ shape }) => shape ?? []).flat());
  for (let i = 0; ; i++) {
    const symbol = i === 0 ? "batch" : `batch_${i}`;
    if (!taken.has(symbol)) return symbol;
  }
}

/** 0 in the target of a Reshape: the axis stays as it is. */
function keepAxis(graph: Graph, node: Node, size: number | null): void {
  const target = node.input(1)?.constant;
  const sizes = target?.toNumbers() ?? [];
  if (sizes[0] !== size || sizes.length === 0) return;
  if (node.int("allowzero", 0) !== 0) {
    // Of an axis without elements it means another thing; where there is none, both mean the same.
    if (sizes.includes(0)) return;
    node.attributes.delete("allowzero");
  }
  const own = graph.addConstant(
    `${node.output.name}_shape`,
    Tensor.int64([sizes.length], [0, ...sizes.slice(1)]),
  );
  node.setInput(1, own);
}

function inferred(model: Model, symbol: string): string | null {
  const conflict = shapeConflict(() => inferShapes(model));
  return conflict === null
    ? null
    : `with "${symbol}" images shapes contradict each other: ${conflict.replace(/\.$/, "")}`;
}

/** The first value that follows from the inputs and does not keep the images along axis 0. */
function closedAt(graph: Graph, open: ReadonlySet<Value>, symbol: string): string | null {
  for (const value of open) {
    if (value.name === "" || value.shape?.[0] === symbol) continue;
    if (value.uses.length === 0 && !graph.isOutput(value)) continue;
    return `${value.producer?.label ?? value.name} does not keep the images along axis 0`;
  }
  return null;
}

/** A symbol may hide what two images show. */
function conflictAtTwo(model: Model): string | null {
  const inputShapes = Object.fromEntries(
    fedInputs(model.graph).map(({ name, shape }) => [name, [2, ...(shape ?? []).slice(1)]]),
  );
  return shapeConflict(() => inferShapes(cloneModel(model), { inputShapes }));
}

function shapeConflict(infer: () => unknown): string | null {
  try {
    infer();
    return null;
  } catch (thrown) {
    if (thrown instanceof CupelError && thrown.code === "SHAPE_CONFLICT") return thrown.message;
    throw thrown;
  }
}
