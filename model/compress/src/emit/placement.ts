/**
 * Which activations get a QuantizeLinear / DequantizeLinear pair, decided so that the engine fuses.
 *
 * An operator that runs on integers reads and makes 8-bit values. Its output is rounded once: behind the Relu
 * or Clip that follows it, since the rounding itself clips. Operators that only move elements hand the scale
 * of their input on. Which operators these are says `kernel-forms`, which of them pay says `conversion-cost`.
 */
import type { Graph, Node, Value } from "@cupel/onnx";
import type { ActivationScale } from "../calibrate/activation-scale.ts";
import { isStaticClip } from "../clean/place-activations.ts";
import { weightedLayers } from "../layer.ts";
import { paysOnIntegers, type SizeOf, sizesOf, slowestOnIntegers } from "./conversion-cost.ts";
import { type Part, partOf } from "./kernel-forms.ts";

export interface Placement {
  /** Values to round, in execution order. */
  readonly values: readonly Value[];
  /** Values to measure, in execution order: those to round, and what layers read that run in float. */
  readonly watched: readonly Value[];
  /** Values whose scale is that of another, because a node only moves elements. */
  readonly sameScale: ReadonlyMap<Value, Value>;
  /** Values whose scale does not follow from what is measured. */
  readonly fixedScale: ReadonlyMap<Value, ActivationScale>;
  /** Nodes that run on integers, by the name of their first output. All others run in float. */
  readonly integer: ReadonlySet<string>;
}

export const kernelChoices = ["where-faster", "wherever-possible"] as const;
export type KernelChoice = (typeof kernelChoices)[number];

/** Of a share of one. */
const shareScale: ActivationScale = { scale: 1 / 256, zeroPoint: 0 };

/**
 * @param inFloat nodes that stay in float.
 * @param choice whether an operator with an 8-bit kernel is left in float where the conversions around it cost
 * more than the kernel saves
 * @param sizeOf by default the shapes of the graph
 */
export function placeQuantisers(
  graph: Graph,
  inFloat: ReadonlySet<Node> = new Set(),
  choice: KernelChoice = "where-faster",
  sizeOf: SizeOf = sizesOf(graph),
): Placement {
  const kept = new Set(inFloat);
  let walk = new Walk(graph, kept);
  // Every round leaves some node in float, whose neighbours may then follow.
  while (choice === "where-faster") {
    const before = kept.size;
    for (const node of walk.integer) {
      if (!paysOnIntegers(graph, node, (other) => walk.integer.has(other) && !kept.has(other), sizeOf))
        kept.add(node);
    }
    if (kept.size === before) break;
    walk = new Walk(graph, kept);
  }
  const read = readByLayers(graph, inFloat);
  return {
    values: inOrder(graph, walk.values),
    watched: inOrder(graph, new Set([...walk.values, ...read])),
    sameScale: walk.sameScale,
    fixedScale: walk.fixedScale,
    integer: new Set(Array.from(walk.integer, (node) => node.output.name)),
  };
}

/**
 * All in float, where the whole network would be slower on integers; null where it would not.
 * @param inFloat as given to `placeQuantisers`, which gave `placement`
 * @returns also the operator that costs most
 */
export function inFloatWhereSlower(
  graph: Graph,
  placement: Placement,
  inFloat: ReadonlySet<Node>,
  sizeOf: SizeOf = sizesOf(graph),
): { readonly placement: Placement; readonly slowest: string } | null {
  const integer = [...graph.nodes].filter((node) => placement.integer.has(node.output.name));
  const slowest = slowestOnIntegers(graph, new Set(integer), sizeOf);
  if (slowest === null) return null;
  const watched = inOrder(graph, new Set(readByLayers(graph, inFloat)));
  const none = { values: [], sameScale: new Map(), fixedScale: new Map(), integer: new Set<string>() };
  return { placement: { ...none, watched }, slowest };
}

function readByLayers(graph: Graph, inFloat: ReadonlySet<Node>): Value[] {
  return weightedLayers(graph).flatMap(({ node, input }) => (inFloat.has(node) ? [] : [input]));
}

/** One walk through the graph in execution order. */
class Walk {
  readonly values = new Set<Value>();
  readonly sameScale = new Map<Value, Value>();
  readonly fixedScale = new Map<Value, ActivationScale>();
  readonly integer = new Set<Node>();
  #graph: Graph;
  #inFloat: ReadonlySet<Node>;

  constructor(graph: Graph, inFloat: ReadonlySet<Node>) {
    this.#graph = graph;
    this.#inFloat = inFloat;
    for (const node of graph.nodes) {
      const part = this.#partOf(node);
      if (part === "same-scale") this.#move(node);
      else if (part === "clipping") this.#clip(node);
      else if (part) this.#compute(node, part);
    }
  }

  #partOf(node: Node): Part | null {
    return this.#inFloat.has(node) ? null : partOf(node);
  }

  /** Only along a path that is 8-bit already; and never for its own sake at the end of the graph. */
  #move(node: Node): void {
    const input = node.input(0);
    if (!input || !this.values.has(input)) return;
    // The engine moves rounded values only where all that comes out is rounded alike.
    if (node.outputs.some((output) => this.#graph.isOutput(output) || output.uses.length === 0)) return;
    this.integer.add(node);
    for (const output of node.outputs) {
      this.values.add(output);
      this.sameScale.set(output, input);
    }
  }

  #clip(node: Node): void {
    const input = node.input(0);
    if (!input || this.#graph.isOutput(node.output)) return;
    const maker = input.producer;
    if (!this.values.has(input) && !(maker && this.integer.has(maker) && isClippedNext(input))) return;
    this.integer.add(node);
    this.values.add(node.output);
  }

  #compute(node: Node, part: Part): void {
    const inputs = activationInputs(node, part);
    if (inputs.some((value) => !isFloat(value))) return;
    const clipped = isClippedNext(node.output) ? node.output.uses[0]!.node.output : node.output;
    const isRead = this.#graph.isOutput(node.output) || this.#graph.isOutput(clipped);
    // What the caller reads stays float: only dense layers may end the 8-bit part of the graph.
    if (isRead && !node.is("Gemm", "MatMul")) return;
    this.integer.add(node);
    for (const value of inputs) this.values.add(value);
    if (this.#graph.isOutput(node.output) || clipped !== node.output) return;
    this.values.add(node.output);
    if (part === "share") this.fixedScale.set(node.output, shareScale);
  }
}

/** The inputs that carry images, not parameters. */
export function activationInputs(node: Node, part: Part | null): Value[] {
  const present = node.inputs.filter((value) => value !== null);
  return part === "own-scale" ? present : present.slice(0, 1);
}

function isFloat(value: Value): boolean {
  return value.type === null || (value.type.kind === "tensor" && value.type.elementType === "float32");
}

/** Is the value read only by a Relu or Clip, so that the rounding goes behind that? */
function isClippedNext(value: Value): boolean {
  const reader = value.uses.length === 1 ? value.uses[0]!.node : null;
  return reader !== null && (reader.is("Relu") || (reader.is("Clip") && isStaticClip(reader)));
}

function inOrder(graph: Graph, values: ReadonlySet<Value>): Value[] {
  return [
    ...graph.inputs.filter((value) => values.has(value)),
    ...[...graph.nodes].flatMap((node) => node.outputs.filter((value) => values.has(value))),
  ];
}
