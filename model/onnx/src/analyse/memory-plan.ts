/**
 * Where the activations of a run lie: when each value is made and last read in the order of the nodes, which values share
 * memory, and how many bytes are held at each node. Pure: no engine is asked.
 *
 * How an engine shares is given as rules. What is planned is what ONNX Runtime's sequential planner does with them
 * (`allocation_planner.cc`), value by value, in the order of the nodes:
 *
 *   an output of the graph        memory of its own, to the end
 *   alias                         the memory of its input, as Reshape
 *   in place                      that of an input of the same form that nobody reads afterwards
 *   freed                         that of an earlier value of the same form that nobody reads any more, the last freed first
 *   otherwise                     memory of its own
 *
 * Memory that a later value takes over is held in between, though nobody reads it: the planner promises it beforehand.
 */
import { elementCount } from "@cupel/base";
import {
  byteLengthOf,
  elementTypes,
  type Graph,
  type Model,
  type Node,
  subgraphsOf,
  type Value,
} from "../graph/index.ts";

/** What a node's first output may lie in. */
export interface ReuseRule {
  readonly kind: "alias" | "in place";
  /** Inputs, by position, in the order in which they are tried. */
  readonly inputs: readonly number[];
}

export interface MemoryPlanOptions {
  /** For a size that is left open and the first of an input. Default 1. */
  readonly batch?: number | undefined;
  /** Default: no node reuses an input. */
  readonly reuse?: ((node: Node) => ReuseRule | null) | undefined;
  /** Whether memory that was freed serves later values of the same form. Default true. */
  readonly reusesFreed?: boolean | undefined;
}

export interface PlannedValue {
  readonly name: string;
  /** 0 where it shares the memory of another. */
  readonly bytes: number;
  /** Position of the node that makes it. */
  readonly madeAt: number;
  /** Of the last that reads it; the number of nodes for an output, `madeAt` where nobody does. */
  readonly lastReadAt: number;
  /** Whose memory it lies in; null for its own. */
  readonly in: { readonly value: string; readonly how: ReuseRule["kind"] | "freed" } | null;
}

export interface MemoryStep {
  /** The operator and the node's name, as messages name it. */
  readonly label: string;
  /** Held while the node runs, its outputs included. */
  readonly heldBytes: number;
  /** Of that what this or a later node reads; the rest waits for a value that takes it over. */
  readonly neededBytes: number;
}

export interface MemoryPlan {
  /** Of all constants. */
  readonly weightBytes: number;
  /** Of what is fed, which the caller holds. */
  readonly inputBytes: number;
  /** What nodes make, in their order. */
  readonly values: readonly PlannedValue[];
  /** One a node. */
  readonly steps: readonly MemoryStep[];
  /** The most that is held at once, without weights and inputs. */
  readonly peakBytes: number;
  /** The most that is needed at once. */
  readonly neededBytes: number;
  /** Values of unknown size, which count nothing. */
  readonly unsized: readonly string[];
  /** Labels of nodes with bodies (If, Loop, Scan): what their nodes make counts nothing. */
  readonly unfollowed: readonly string[];
}

/** Some memory, and who lies in it. */
interface Block {
  readonly first: Value;
  readonly bytes: number;
  /** Element width and shape: what another value must have to take it over. */
  readonly form: string | null;
  readonly madeAt: number;
  /** Reads still to come, of all values that lie in it so far. */
  reads: number;
  /** The last node that needs it. */
  until: number;
  /** Times in between in which it is held for nobody. */
  readonly idle: { readonly from: number; readonly to: number }[];
  /** False for what the caller or the model holds. */
  readonly isPlanned: boolean;
}

/** The model MUST have shapes, as `inferShapes` or an engine writes them, and be in order. It is not changed. */
export function planMemory(model: Model, options: MemoryPlanOptions = {}): MemoryPlan {
  const { graph } = model;
  const { batch = 1, reuse = () => null, reusesFreed = true } = options;
  const sizes = new Map<string, number>();
  for (const input of graph.inputs) {
    const first = input.shape?.[0];
    if (typeof first === "string") sizes.set(first, batch);
  }
  const dimsOf = (value: Value) => dimsWith(value, sizes, graph.inputs.includes(value) ? batch : null);
  const bytesOf = (value: Value): number | null => {
    const dims = dimsOf(value);
    return dims === null || value.type?.kind !== "tensor"
      ? null
      : byteLengthOf(value.type.elementType, elementCount(dims));
  };
  const formOf = (value: Value): string | null => {
    const dims = dimsOf(value);
    if (dims === null || value.type?.kind !== "tensor" || value.type.elementType === "string") return null;
    return `${elementTypes[value.type.elementType].bits}:${dims.join()}`;
  };

  const nodes = [...graph.nodes];
  const end = nodes.length;
  const reads = readsOf(graph, nodes);
  const blocks = new Map<Value, Block>();
  const planned: Block[] = [];
  const free: Block[] = [];
  const values: PlannedValue[] = [];
  const unsized: string[] = [];
  const held = (value: Value): Block => {
    const block: Block = {
      first: value,
      bytes: 0,
      form: null,
      madeAt: 0,
      reads: Number.POSITIVE_INFINITY,
      until: end,
      idle: [],
      isPlanned: false,
    };
    blocks.set(value, block);
    return block;
  };
  const blockOf = (value: Value): Block => blocks.get(value) ?? held(value);

  nodes.forEach((node, at) => {
    const isConstant = node.is("Constant");
    node.outputs.forEach((value, position) => {
      if (value.name === "" || isConstant) return;
      const form = formOf(value);
      const isOutput = graph.isOutput(value);
      const found = isOutput ? null : shared(node, position, form);
      const { count, last } = reads.get(value) ?? { count: 0, last: at };
      const lastReadAt = isOutput ? end : last;
      const bytes = bytesOf(value);
      if (bytes === null) unsized.push(value.name);
      const block: Block = found?.block ?? {
        first: value,
        bytes: bytes ?? 0,
        form,
        madeAt: at,
        reads: 0,
        until: at,
        idle: [],
        isPlanned: true,
      };
      if (found === null) planned.push(block);
      if (found?.how === "freed") block.idle.push({ from: block.until, to: at });
      blocks.set(value, block);
      block.reads += count + (isOutput ? Number.POSITIVE_INFINITY : 0);
      block.until = Math.max(block.until, lastReadAt);
      values.push({
        name: value.name,
        bytes: found === null ? (bytes ?? 0) : 0,
        madeAt: at,
        lastReadAt,
        in: found && { value: found.of.name, how: found.how },
      });
    });
    for (const input of readBy(node)) release(blockOf(input), 1);
    for (const output of node.outputs)
      if (!reads.has(output) && blocks.has(output)) release(blockOf(output), 0);
  });

  function release(block: Block, count: number): void {
    block.reads -= count;
    if (block.reads === 0 && block.isPlanned && !free.includes(block)) free.unshift(block);
  }

  function shared(node: Node, position: number, form: string | null) {
    const rule = position === 0 ? reuse(node) : null;
    for (const index of rule?.inputs ?? []) {
      const of = node.input(index);
      if (!of) continue;
      const block = blockOf(of);
      const isFree = block.isPlanned && block.reads === 1 && form !== null && form === formOf(of);
      if (rule?.kind === "alias" || isFree) return { block, of, how: rule!.kind };
    }
    if (!reusesFreed || form === null || form.endsWith(":")) return null;
    const at = free.findIndex((block) => block.form === form);
    if (at < 0) return null;
    const [block] = free.splice(at, 1);
    return { block: block!, of: block!.first, how: "freed" as const };
  }

  const steps = nodes.map((node, at): MemoryStep => {
    const now = planned.filter(({ madeAt, until }) => madeAt <= at && at <= until);
    const needed = now.filter(({ idle }) => !idle.some(({ from, to }) => from < at && at < to));
    return { label: node.label, heldBytes: sum(now), neededBytes: sum(needed) };
  });
  const weights = new Set(Array.from(graph.initializers, ({ constant }) => constant!));
  for (const node of nodes) {
    const constant = node.is("Constant") ? node.tensor("value") : null;
    if (constant) weights.add(constant);
  }
  const inputs = graph.inputs.filter((input) => !input.constant);
  unsized.push(...inputs.filter((input) => bytesOf(input) === null).map(({ name }) => name));
  return {
    weightBytes: [...weights].reduce((total, { byteLength }) => total + byteLength, 0),
    inputBytes: inputs.reduce((total, input) => total + (bytesOf(input) ?? 0), 0),
    values,
    steps,
    peakBytes: Math.max(0, ...steps.map(({ heldBytes }) => heldBytes)),
    neededBytes: Math.max(0, ...steps.map(({ neededBytes }) => neededBytes)),
    unsized,
    unfollowed: nodes.filter((node) => subgraphsOf(node).length > 0).map(({ label }) => label),
  };
}

function dimsWith(value: Value, sizes: ReadonlyMap<string, number>, first: number | null): number[] | null {
  const { shape } = value;
  if (shape === null) return null;
  const dims = shape.map((size, axis) =>
    typeof size === "number"
      ? size
      : typeof size === "string" && sizes.has(size)
        ? sizes.get(size)!
        : axis === 0 && first !== null
          ? first
          : null,
  );
  return dims.every((size) => size !== null) ? dims : null;
}

/** Inputs, and what the bodies of the node read of this graph, each time it is read. */
function readBy(node: Node): Value[] {
  const own = node.inputs.filter((input) => input !== null);
  const bodies = subgraphsOf(node).flatMap((body) =>
    [...body.allNodes()].flatMap((inner) =>
      inner.inputs.filter((input) => input !== null && !isWithin(body, input)),
    ),
  );
  return [...own, ...new Set(bodies)].filter((value): value is Value => value !== null && value.name !== "");
}

function isWithin(body: Graph, value: Value): boolean {
  if (body.owns(value)) return true;
  return [...body.nodes].some((node) => subgraphsOf(node).some((inner) => isWithin(inner, value)));
}

function readsOf(graph: Graph, nodes: readonly Node[]) {
  const reads = new Map<Value, { count: number; last: number }>();
  nodes.forEach((node, at) => {
    for (const value of readBy(node)) {
      reads.set(value, { count: (reads.get(value)?.count ?? 0) + 1, last: at });
    }
  });
  for (const output of graph.outputs) {
    const { count = 0 } = reads.get(output) ?? {};
    reads.set(output, { count, last: nodes.length });
  }
  return reads;
}

function sum(blocks: readonly Block[]): number {
  return blocks.reduce((total, { bytes }) => total + bytes, 0);
}
