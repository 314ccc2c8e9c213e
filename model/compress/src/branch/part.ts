/**
 * A part of a graph that goes into a branch of `If`: what makes one value from another. In the branch it is computed for those
 * images alone that need it, where their number is open, and holds its own weights, so that the engine folds and packs them.
 */
import { type Attribute, attribute, type Graph, type Node, Tensor, type Value } from "@cupel/onnx";

/** A node as it was before it left the graph. */
interface TakenNode {
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
}

export interface Part {
  readonly nodes: readonly TakenNode[];
  readonly output: Value;
}

/** Takes out what makes `output` from `cut`. What both sides read, as a scale, stays and is copied. `output` MUST have no reader left. */
export function takeOut(graph: Graph, cut: Value, output: Value): Part {
  const needed = new Set<Node>();
  const before = new Set<Node>();
  gather(cut, null, before);
  gather(output, cut, needed);
  const nodes = [...graph.nodes].filter((node) => needed.has(node));
  const taken = nodes.map((node) => ({ node, inputs: [...node.inputs] }));
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

/** Writes what was taken out into a branch, reading `start` for `cut`. @returns the part's output there */
export function putIn(branch: Graph, { nodes, output }: Part, cut: Value, start: Value): Value {
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

export interface Company {
  /** [N, ...], what the part reads. */
  readonly cut: Value;
  /** [N, 1]: images that need the part no more. */
  readonly areDone: Value;
  /** [N, ...], what stands for the part's output for those that are done; of others it is written over. */
  readonly done: Value;
}

/**
 * What `compute` writes for the images that are not done, put among those that are.
 * @param compute from the value at the cut of some images to what stands for `done`
 */
export function putInForSome(
  branch: Graph,
  { cut, areDone, done }: Company,
  compute: (some: Value) => Value,
): Value {
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
  const are = op("Reshape", [op("Not", [areDone]), flat]);
  const rows = op("Reshape", [op("NonZero", [are]), flat]);
  const some = op("Gather", [cut, rows], { axis: attribute.int(0) });
  return op("ScatterND", [done, op("Reshape", [rows, column]), compute(some)]);
}
