/**
 * What the engine will compute when it loads a model, before it does: every node that depends on constants only, and
 * on shapes that are known (constant folding, https://onnxruntime.ai/docs/performance/model-optimizations). It keeps
 * each result until all are there and cannot be stopped, so that a kilobyte of doublings takes gigabytes.
 *
 * Sizes come from shape inference, those that depend on the data as the greatest they can be. Where a size is not
 * known nothing is counted, and neither is what runs later: only a process of its own guards against these.
 */
import { elementCount } from "@cupel/base";
import { onnxErrors } from "../errors.ts";
import { withoutFunctions } from "../file/inline-functions.ts";
import {
  byteLengthOf,
  type Graph,
  isStatic,
  type Model,
  type Node,
  subgraphsOf,
  type Value,
  type ValueType,
} from "../graph/index.ts";
import { propagate } from "../infer/propagate.ts";

export interface FoldingEstimate {
  /** Of all results together, each as a tensor in memory. */
  readonly bytes: number;
  /** Of the constants that the model holds. */
  readonly held: number;
  /** The node with the largest result, as messages name it; null where nothing is computed. */
  readonly largest: string | null;
}

/** Bytes that may be computed ahead, however little a model holds: 512 MiB. Of 185 models 23 MiB was the most. */
export const foldingLimit = 2 ** 29;

/** And for each byte that it holds: 16. Of those models, weights at rest in 3 bits made the most, 5.7. */
export const foldingGrowth = 16;

/** @throws LOADING_TOO_LARGE */
export function assertFoldable(model: Model): void {
  const { bytes, held, largest } = estimateFolding(model);
  const limit = foldingLimit + foldingGrowth * held;
  if (bytes <= limit) return;
  throw onnxErrors.error(
    "LOADING_TOO_LARGE",
    `The engine would compute about ${sizeText(bytes)} of the model's constants ahead when it loads it, more than the ` +
      `${sizeText(limit)} that are allowed; the largest result is that of ${largest}. Export the model so that such ` +
      "tensors are made from its inputs.",
    { details: { bytes, limit, node: largest } },
  );
}

function sizeText(bytes: number): string {
  return bytes < 1e21 ? `${(bytes / 2 ** 30).toPrecision(3)} GiB` : "endlessly many bytes";
}

/** @throws LOADING_TOO_LARGE where functions call each other too often */
export function estimateFolding(model: Model): FoldingEstimate {
  const whole = withoutFunctions(model);
  const { types } = propagate(whole, {
    elementLimit: 1024,
    trustDefaults: true,
    unpacks: false,
    greatest: true,
  });
  const walk = new Folding(types);
  walk.graph(whole.graph);
  return walk;
}

/** The engine draws these anew in each run. */
const drawn = ["RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial"];

class Folding implements FoldingEstimate {
  bytes = 0;
  held = 0;
  largest: string | null = null;
  #most = 0;
  readonly #types: ReadonlyMap<Value, ValueType>;
  readonly #constants = new Set<Value>();

  constructor(types: ReadonlyMap<Value, ValueType>) {
    this.#types = types;
  }

  graph(graph: Graph): void {
    for (const value of graph.values()) if (value.constant || value.sparse) this.#constants.add(value);
    for (const value of graph.initializers) this.held += value.constant!.byteLength;
    for (const node of graph.nodes) this.#node(node);
  }

  #node(node: Node): void {
    const bodies = subgraphsOf(node);
    for (const body of bodies) this.graph(body);
    if (!this.#isConstant(node)) return;
    for (const [index, output] of node.outputs.entries()) {
      // The branch that a constant takes stands in the place of an If; other bodies run as often as they will.
      const isOfBodies = bodies.every(({ outputs }) => outputs[index] && this.#constants.has(outputs[index]));
      if (bodies.length === 0 || (node.is("If") && isOfBodies)) this.#constants.add(output);
    }
    if (bodies.length > 0) return;
    const bytes = node.outputs.reduce((sum, output) => sum + this.#bytesOf(output), 0);
    if (node.is("Constant")) {
      this.held += bytes;
      return;
    }
    this.bytes += bytes;
    if (bytes <= this.#most) return;
    this.#most = bytes;
    this.largest = node.label;
  }

  #isConstant(node: Node): boolean {
    if (node.is(...drawn)) return false;
    const isKnown = (value: Value | null): boolean => !value || this.#constants.has(value);
    if (node.inputs.every(isKnown)) return true;
    return node.is("Shape", "Size") && this.#shapeOf(node.input(0)) !== null;
  }

  #shapeOf(value: Value | null): readonly number[] | null {
    const type = value && this.#types.get(value);
    return type?.kind === "tensor" && isStatic(type.shape) ? type.shape : null;
  }

  #bytesOf(value: Value): number {
    const type = this.#types.get(value);
    const shape = this.#shapeOf(value);
    // The product of the others may be beyond all numbers.
    if (type?.kind !== "tensor" || !shape || shape.includes(0)) return 0;
    return byteLengthOf(type.elementType, elementCount(shape));
  }
}
