/**
 * Writes an exit into a network: the head behind the value that it reads, and all that follows as a branch of `If`.
 *
 *   network up to the cut ─┬─ head ─ scores ─ confidence of each image ─ smallest > threshold ?
 *                          │           ├─ yes ──────────────────────────────────┐
 *                          └───────────┴─ no: the rest for the others, put among them ─┴─ scores
 *
 * An image gets the same answer in whatever company: where it is confident that of the exit, else that of the whole
 * network. With an open number of images the rest is computed for those alone that need it; where the number is fixed,
 * for all as soon as one does. The branch holds its own weights, so that the engine folds and packs them, and reads one
 * value from outside: the 8-bit one where the cut is rounded, so that its kernels fuse as without an exit.
 */
import {
  type Attribute,
  attribute,
  type Correspondence,
  cloneModel,
  Emitter,
  Graph,
  type Model,
  type Node,
  removeDeadCode,
  runPasses,
  sameValues,
  Tensor,
  Value,
} from "@cupel/onnx";
import { endsInSoftmax, imageInputOf, inputsOf } from "@cupel/predict";
import type { CutPoint } from "./cut-points.ts";
import { emitFeatures, readAtExit } from "./exit-features.ts";
import { type ExitHead, emitHead } from "./exit-head.ts";

export interface Exit {
  readonly place: CutPoint;
  readonly head: ExitHead;
  /** An image leaves when the largest probability of its exit is above this: 1 is never, below 0 always. */
  readonly threshold: number;
}

export interface WiredModel {
  readonly model: Model;
  /** From the straight model; what stands in a branch now has no counterpart. */
  readonly correspondence: Correspondence;
}

/** The straight model itself where there is no exit. */
export function withExit(straight: Model, exit: Exit | null): WiredModel {
  const model = exit === null ? straight : wireExit(straight, exit);
  const stays = [...sameValues(straight.graph)].filter(([name]) => model.graph.value(name));
  return { model, correspondence: new Map(stays) };
}

/** @param straight as it would be written without an exit; it is left as it is */
export function wireExit(straight: Model, { place, head, threshold }: Exit): Model {
  const model = cloneModel(straight);
  const { graph } = model;
  const output = graph.outputs[0]!;
  const isProbability = endsInSoftmax(model);
  const isOpen = typeof imageInputOf(inputsOf(graph)).dims[0] !== "number";
  const read = readAtExit(model, place.name);
  const cut = read.name === place.name ? read : read.producer!.input(0)!;
  const rest = takeOut(graph, cut);

  const emit = new Emitter(model, { typed: false });
  emit.scope = "exit/";
  const seen = cut === read ? cut : emit.op("DequantizeLinear", [cut, ...cut.producer!.inputs.slice(1)]);
  const sums = emitHead(emit, emitFeatures(emit, seen, place), head);
  const probabilities = emit.op("Softmax", [sums], { axis: attribute.int(1) });
  const scores = isProbability ? probabilities : sums;
  const [confidence] = emit.node("TopK", [probabilities, emit.integers([1])], { axis: attribute.int(1) }, 2);
  const level = emit.scalar(threshold);
  const areConfident = emit.op("Greater", [confidence!, level]);
  const least = emit.op("ReduceMin", [confidence!], { keepdims: attribute.int(0) });
  const areAll = emit.op("Greater", [least, level]);

  const exit = new Graph("exit", graph);
  exit.outputs.push(exit.append({ opType: "Identity", inputs: [scores], name: "exit" }).output);
  const others = new Graph("rest", graph);
  const whole = isOpen
    ? restOfSome(others, rest, { cut, scores, areConfident })
    : others.append({
        opType: "Where",
        inputs: [areConfident, scores, putIn(others, rest, cut, cut)],
      }).output;
  others.outputs.push(whole);
  const branches: Record<string, Attribute> = {
    then_branch: attribute.graph(exit),
    else_branch: attribute.graph(others),
  };
  const result = new Value(output.name, output.type);
  graph.append({ opType: "If", inputs: [areAll], outputs: [result], name: "exit/If", attributes: branches });
  graph.outputs.push(result);
  runPasses(model, [removeDeadCode]);
  return model;
}

/** A node as it was before it left the graph. */
interface TakenNode {
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
}

interface Rest {
  readonly nodes: readonly TakenNode[];
  readonly output: Value;
}

/** Takes out what makes the output from `cut`. What both sides read, as a scale, stays and is copied. */
function takeOut(graph: Graph, cut: Value): Rest {
  const output = graph.outputs[0]!;
  const needed = new Set<Node>();
  const before = new Set<Node>();
  gather(cut, null, before);
  gather(output, cut, needed);
  const nodes = [...graph.nodes].filter((node) => needed.has(node));
  const taken = nodes.map((node) => ({ node, inputs: [...node.inputs] }));
  graph.outputs.length = 0;
  for (const node of nodes.toReversed()) if (!before.has(node)) graph.remove(node);
  for (const { inputs } of taken) {
    for (const value of inputs) {
      const isIdle = value?.constant && value.uses.length === 0 && graph.owns(value);
      if (isIdle && !graph.inputs.includes(value)) graph.removeConstant(value);
    }
  }
  return { nodes: taken, output };
}

/** The nodes that make a value, back to `stop`. */
function gather(value: Value, stop: Value | null, into: Set<Node>): void {
  const waiting = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { producer } = next;
    if (next === stop || producer === null || into.has(producer)) continue;
    into.add(producer);
    for (const input of producer.inputs) if (input) waiting.push(input);
  }
}

/** Writes what was taken out into a branch, reading `start` for `cut`. @returns the network's output there */
function putIn(branch: Graph, { nodes, output }: Rest, cut: Value, start: Value): Value {
  const here = new Map<Value, Value>([[cut, start]]);
  const inBranch = (value: Value): Value => {
    const known = here.get(value);
    if (known) return known;
    // What the model is fed besides its images stays outside.
    if (!value.constant) return value;
    const constant = branch.addConstant(value.name, value.constant);
    here.set(value, constant);
    return constant;
  };
  for (const { node, inputs } of nodes) {
    const made = branch.append({
      opType: node.opType,
      domain: node.domain,
      name: node.name,
      inputs: inputs.map((value) => value && inBranch(value)),
      outputs: node.outputs.map(({ name }) => (name === "" ? "" : branch.uniqueName(name))),
      attributes: Object.fromEntries(node.attributes),
    });
    for (const [i, value] of node.outputs.entries()) {
      const copy = made.outputs[i]!;
      copy.type = value.type;
      here.set(value, copy);
    }
  }
  return here.get(output)!;
}

interface Company {
  readonly cut: Value;
  readonly scores: Value;
  readonly areConfident: Value;
}

/** The rest for the images that are not confident, their scores put among those of the exit. */
function restOfSome(branch: Graph, rest: Rest, { cut, scores, areConfident }: Company): Value {
  const op = (
    opType: string,
    inputs: readonly Value[],
    attributes: Record<string, Attribute> = {},
  ): Value => {
    // The engine refuses two nodes of one name.
    const name = branch.uniqueName(`rest/${opType}`);
    return branch.append({ opType, inputs, attributes, name, outputs: [name] }).output;
  };
  const flat = branch.addConstant("rest.flat", Tensor.int64([1], [-1]));
  const column = branch.addConstant("rest.column", Tensor.int64([2], [-1, 1]));
  // NonZero of [N, 1] gives rows and columns: the first half are the rows.
  const are = op("Reshape", [op("Not", [areConfident]), flat]);
  const rows = op("Reshape", [op("NonZero", [are]), flat]);
  const some = op("Gather", [cut, rows], { axis: attribute.int(0) });
  const answers = putIn(branch, rest, cut, some);
  return op("ScatterND", [scores, op("Reshape", [rows, column]), answers]);
}
