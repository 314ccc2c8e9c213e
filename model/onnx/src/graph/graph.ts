/**
 * A graph: nodes in execution order, and the values between them.
 *
 * Every value belongs to one graph; the nodes of a subgraph (the body of If, Loop, Scan) may also use
 * values of the graphs around it. Edits keep three things true: a value's `producer` and `uses` match
 * the nodes; names are unique through all nested graphs; nothing is removed that is still used.
 */

import { onnxErrors } from "../errors.ts";
import type { GraphProto } from "../gen/onnx_pb.ts";
import type { Attribute } from "./attribute.ts";
import { NameScope } from "./name-scope.ts";
import { Node } from "./node.ts";
import { NodeList } from "./node-list.ts";
import type { Tensor } from "./tensor.ts";
import { Value } from "./value.ts";
import type { ValueType } from "./value-type.ts";

/** What `Graph.insert` needs: names and attributes only where the caller cares. */
export interface NewNode {
  readonly opType: string;
  readonly inputs: readonly (Value | null)[];
  /** How many outputs to make; or their names ("" for one left out); or values without a producer. Default 1. */
  readonly outputs?: number | readonly (string | Value)[];
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly type?: ValueType;
}

export class Graph {
  name: string;
  /** The graph this one is nested in. */
  readonly parent: Graph | null;
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  readonly nodes = new NodeList();
  readonly proto: GraphProto | null;
  readonly #values = new Map<string, Value>();
  readonly #initializers = new Set<Value>();
  readonly #names: NameScope;

  constructor(name: string, parent: Graph | null = null, proto: GraphProto | null = null) {
    this.name = name;
    this.parent = parent;
    this.proto = proto;
    this.#names = parent ? parent.#names : new NameScope();
  }

  /** Constants in file order. */
  get initializers(): ReadonlySet<Value> {
    return this.#initializers;
  }

  /** Every value of this graph, in the order it was first named. */
  values(): IterableIterator<Value> {
    return this.#values.values();
  }

  /** Looks outward through the graphs around this one, as ONNX scoping does. */
  value(name: string): Value | undefined {
    return this.#values.get(name) ?? this.parent?.value(name);
  }

  owns(value: Value): boolean {
    return this.#values.get(value.name) === value;
  }

  isOutput(value: Value): boolean {
    return this.outputs.includes(value);
  }

  /** `base`, or `base_1`, `base_2`, ... whichever no value here, around or in a body has. */
  uniqueName(base: string): string {
    return this.#names.unique(base);
  }

  /** Adopts a value. @throws GRAPH_EDIT_INVALID when the name is taken. */
  add(value: Value): Value {
    const holder = this.#values.get(value.name);
    if (holder && holder !== value) {
      throw onnxErrors.error("GRAPH_EDIT_INVALID", `The graph already has a value named "${value.name}".`);
    }
    if (!holder) this.#names.take(value.name);
    this.#values.set(value.name, value);
    return value;
  }

  /** A new value under `base` or a name like it. */
  newValue(base: string, type: ValueType | null = null): Value {
    return this.add(new Value(this.uniqueName(base), type));
  }

  /** @throws GRAPH_EDIT_INVALID when the name is taken, here or in a body that would then mean this value. */
  rename(value: Value, name: string): void {
    if (value.name === name) return;
    if (this.#names.has(name)) {
      throw onnxErrors.error("GRAPH_EDIT_INVALID", `Cannot rename "${value.name}": "${name}" is taken.`);
    }
    this.#drop(value);
    value.name = name;
    this.add(value);
  }

  /** Makes `value` an initialiser holding `tensor`, or gives it another tensor. */
  setConstant(value: Value, tensor: Tensor): void {
    value.constant = tensor;
    this.#initializers.add(value);
  }

  addConstant(base: string, tensor: Tensor): Value {
    const value = this.newValue(base);
    this.setConstant(value, tensor);
    return value;
  }

  /** Drops a constant nothing uses. */
  removeConstant(value: Value): void {
    this.#assertUnused(value, `constant "${value.name}"`);
    this.#initializers.delete(value);
    this.#drop(value);
  }

  append(spec: NewNode): Node {
    const node = this.#make(spec);
    this.nodes.append(node);
    return node;
  }

  insertBefore(anchor: Node, spec: NewNode): Node {
    const node = this.#make(spec);
    this.nodes.insertBefore(anchor, node);
    return node;
  }

  insertAfter(anchor: Node, spec: NewNode): Node {
    const node = this.#make(spec);
    this.nodes.insertAfter(anchor, node);
    return node;
  }

  /** Takes a node out, its bodies with it. Its outputs MUST be unused; they leave the graph too. */
  remove(node: Node): void {
    for (const output of node.outputs) {
      if (output.producer === node) this.#assertUnused(output, `${node.label} (output "${output.name}")`);
    }
    for (const body of subgraphsOf(node)) body.#dissolve();
    node.disconnect();
    this.nodes.remove(node);
    for (const output of node.outputs) {
      if (output.producer !== node) continue;
      output.producer = null;
      if (output.name !== "") this.#drop(output);
    }
  }

  /** Every reader of `old`, nested graphs included, reads `replacement` instead; graph outputs stay. */
  replaceUses(old: Value, replacement: Value): void {
    const uses = [...old.uses];
    // Given up from the end, where that is cheap however many there are, and taken up in order.
    for (const { node, index } of uses.toReversed()) node.setInput(index, null);
    for (const { node, index } of uses) node.setInput(index, replacement);
  }

  /**
   * Bypasses a node: readers of its first output read `replacement`, then the node goes. When that output
   * is an output of the model, the name a caller knows moves to `replacement`.
   * @throws GRAPH_EDIT_INVALID, before anything changed, when `replacement` has a name of its own that
   * callers know: an input, or another output. Ask `canBypass` first.
   */
  bypass(node: Node, replacement: Value): void {
    const output = node.output;
    if (!this.canBypass(node, replacement)) {
      throw onnxErrors.error(
        "GRAPH_EDIT_INVALID",
        `${node.label} cannot be bypassed: "${output.name}" and "${replacement.name}" are both known to callers.`,
      );
    }
    this.replaceUses(output, replacement);
    const at = this.outputs.indexOf(output);
    if (at < 0) {
      this.remove(node);
      return;
    }
    const name = output.name;
    this.outputs[at] = replacement;
    this.remove(node);
    // The outputs of a body are known by position; those of the model by name.
    if (this.parent === null) this.rename(replacement, name);
    replacement.type ??= output.type;
  }

  /** False when the node stands between two names that callers of the model know. */
  canBypass(node: Node, replacement: Value): boolean {
    if (!this.isOutput(node.output)) return true;
    return this.owns(replacement) && !this.inputs.includes(replacement) && !this.isOutput(replacement);
  }

  /**
   * `node` makes the first output of `follower` from now on, and `follower` goes, with its other outputs and
   * with what passed between the two.
   * @throws GRAPH_EDIT_INVALID, before anything changed, when another node reads one of those.
   */
  absorb(node: Node, follower: Node): void {
    const between = node.output;
    const [output, ...extras] = follower.outputs;
    const other = between.uses.find((use) => use.node !== follower)?.node.label;
    if (!output || other || this.isOutput(between)) {
      const reason = other ? `${other} reads` : "callers know";
      throw onnxErrors.error(
        "GRAPH_EDIT_INVALID",
        `${node.label} cannot absorb ${follower.label}: ${reason} "${between.name}".`,
      );
    }
    for (const extra of extras) this.#assertUnused(extra, `"${extra.name}"`);
    for (const body of subgraphsOf(follower)) body.#dissolve();
    follower.disconnect();
    this.nodes.remove(follower);
    for (const extra of extras) if (extra.name !== "") this.#drop(extra);
    node.setOutput(0, output);
    this.#drop(between);
  }

  /** Nodes of this graph and of all graphs nested in it. */
  *allNodes(): IterableIterator<Node> {
    for (const node of this.nodes) {
      yield node;
      for (const body of subgraphsOf(node)) yield* body.allNodes();
    }
  }

  /** The body of a node that goes: what it read outside is no longer used by it. */
  #dissolve(): void {
    for (const node of this.nodes) {
      for (const body of subgraphsOf(node)) body.#dissolve();
      node.disconnect();
    }
    for (const name of this.#values.keys()) this.#names.release(name);
  }

  #drop(value: Value): void {
    if (this.#values.delete(value.name)) this.#names.release(value.name);
  }

  #make(spec: NewNode): Node {
    const wanted = spec.outputs ?? 1;
    const names = typeof wanted === "number" ? Array.from({ length: wanted }, () => null) : wanted;
    const base = spec.name || `${spec.inputs.find((input) => input)?.name ?? "graph"}_${spec.opType}`;
    const outputs = names.map((name) =>
      name instanceof Value
        ? this.add(name)
        : name === null
          ? this.newValue(base, spec.type ?? null)
          : name === ""
            ? new Value("")
            : this.add(new Value(name, spec.type ?? null)),
    );
    const held = outputs.find((output) => output.producer);
    if (held) {
      throw onnxErrors.error("GRAPH_EDIT_INVALID", `"${held.name}" already has a producer.`);
    }
    return new Node({ ...spec, outputs });
  }

  #assertUnused(value: Value, what: string): void {
    const user = value.uses[0]?.node.label;
    if (user || this.isOutput(value)) {
      throw onnxErrors.error(
        "GRAPH_EDIT_INVALID",
        `Cannot remove ${what}: ${user ? `${user} still uses it` : "it is an output of the graph"}.`,
      );
    }
  }
}

/** The bodies of a control-flow node. */
export function subgraphsOf(node: Node): Graph[] {
  return [...node.attributes.values()].flatMap((found) =>
    found.kind === "graph" ? [found.value] : found.kind === "graphs" ? [...found.value] : [],
  );
}
