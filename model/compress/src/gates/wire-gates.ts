/**
 * Writes gates into a network: at each a head reads what a span of residual blocks reads, and answers as the
 * network would. An image whose largest score is above the second by more than the threshold goes past.
 *
 *   a ─┬─ head ─ margin of each image ─ smallest > threshold ?
 *      │             ├─ yes: a ──────────────────────────────────────┐
 *      └─────────────┴─ no: the blocks for the others, put among a ──┴─ b
 *
 * Where a and b are rounded, their 8-bit values pass, brought from the scale of the one to that of the other, with channels last: so the
 * engine's kernels have them, and since it does not look across a branch it would copy them from the one layout to the other on both sides.
 */
import {
  type Attribute,
  attribute,
  cloneModel,
  Emitter,
  Graph,
  type Model,
  removeDeadCode,
  runPasses,
  Tensor,
  Value,
} from "@cupel/onnx";
import { imageInputOf, inputsOf } from "@cupel/predict";
import { emitFeatures } from "../branch/branch-features.ts";
import { type BranchHead, emitHead } from "../branch/branch-head.ts";
import { putIn, putInForSome, takeOut } from "../branch/part.ts";
import type { ResidualSpan } from "./residual-spans.ts";

export interface Gate {
  readonly span: ResidualSpan;
  /** Scores of the classes. */
  readonly head: BranchHead;
}

export interface WiredGates {
  readonly model: Model;
  /** Of each gate the name of a value [N, 1], which it decides by: how far the largest score is above the second. */
  readonly margins: readonly string[];
}

/**
 * @param straight as it would be written without gates; it is left as it is
 * @param gates in the order of the network. @param thresholds of each, infinity is never, minus infinity always
 */
export function wireGates(
  straight: Model,
  gates: readonly Gate[],
  thresholds: readonly number[],
): WiredGates {
  const model = cloneModel(straight);
  const margins = gates.map((gate, i) => wireGate(model, gate, thresholds[i]!, `gate${i + 1}`));
  runPasses(model, [removeDeadCode]);
  return { model, margins };
}

/** The network without the blocks of some spans at all. `straight` is left as it is. */
export function withoutSpans(straight: Model, spans: readonly ResidualSpan[]): Model {
  const model = cloneModel(straight);
  const { graph } = model;
  for (const { from, to } of spans) {
    const [start, end] = [passing(graph, from.name), passing(graph, to)];
    const emit = new Emitter(model, { typed: false }).behind(start.value.producer, "past");
    graph.replaceUses(end.value, emitPast(inMain(emit), start, end));
  }
  runPasses(model, [removeDeadCode]);
  return model;
}

/** @returns the name of what it decides by */
function wireGate(model: Model, { span, head }: Gate, threshold: number, name: string): string {
  const { graph } = model;
  const images = imageInputOf(inputsOf(graph)).dims[0];
  const start = passing(graph, span.from.name);
  const end = passing(graph, span.to);
  const cut = start.value;
  const result = new Value(`${end.value.name}/${name}`, end.value.type);
  graph.replaceUses(end.value, result);
  const anchor = [...graph.nodes].find((node) => node.inputs.includes(result))!;
  const part = takeOut(graph, cut, end.value);

  const emit = new Emitter(model, { typed: false }).before(anchor, name);
  const features = emitFeatures(emit, emitFloat(inMain(emit), start), span.from);
  const scores = emitHead(emit, features, head, name);
  const [two] = emit.node("TopK", [scores, emit.integers([2])], { axis: attribute.int(1) }, 2);
  const margin = emit.op("MatMul", [two!, emit.constant(Tensor.float32([2, 1], [1, -1]))]);
  const level = emit.scalar(threshold);
  const goPast = emit.op("Greater", [margin, level]);
  const least = emit.op("ReduceMin", [margin], { keepdims: attribute.int(0) });
  const allGoPast = emit.op("Greater", [least, level]);

  const isLast = start.rounding !== null && end.rounding !== null;
  const passed = { value: isLast ? channelsLast(inMain(emit), cut) : cut, rounding: start.rounding };

  const past = new Graph(`${name}/past`, graph);
  const only = emitPast(inBranch(past), passed, end);
  past.outputs.push(past.append({ opType: "Identity", inputs: [only], name: `${name}/past` }).output);
  const through = new Graph(`${name}/through`, graph);
  const place = inBranch(through);
  const compute = (from: Value): Value => {
    if (!isLast) return putIn(through, part, cut, from);
    return channelsLast(place, putIn(through, part, cut, channelsFirst(place, from)));
  };
  const done = () => emitPast(place, passed, end);
  const made =
    images === 1
      ? compute(passed.value)
      : typeof images === "number"
        ? emitChosen(through, goPast, done(), compute(passed.value))
        : putInForSome(through, { cut: passed.value, areDone: goPast, done: done() }, compute);
  through.outputs.push(made);
  const attributes: Record<string, Attribute> = {
    then_branch: attribute.graph(past),
    else_branch: attribute.graph(through),
  };
  const chosen = isLast ? new Value(`${result.name}/last`, null) : result;
  graph.insertBefore(anchor, {
    opType: "If",
    inputs: [allGoPast],
    outputs: [chosen],
    name: `${name}/If`,
    attributes,
  });
  if (isLast) {
    const back = { perm: attribute.ints(firstFromLast) };
    graph.insertBefore(anchor, {
      opType: "Transpose",
      inputs: [chosen],
      outputs: [result],
      attributes: back,
    });
  }
  return margin.name;
}

/** A value as it goes from one layer to the next. */
interface Passing {
  /** The 8-bit one where nothing reads it but a rounding. */
  readonly value: Value;
  /** Scale and zero point; null for one in float. */
  readonly rounding: readonly Tensor[] | null;
}

function passing(graph: Graph, name: string): Passing {
  const value = graph.value(name)!;
  const [reader, ...others] = value.consumers;
  if (!reader?.is("QuantizeLinear") || others.length > 0) return { value, rounding: null };
  return { value: reader.output, rounding: reader.inputs.slice(1).map((each) => each!.constant!) };
}

/** Where nodes go, constants with them: the main graph or a branch. */
interface Place {
  readonly op: (opType: string, inputs: readonly Value[], attributes?: Record<string, Attribute>) => Value;
  readonly constant: (tensor: Tensor) => Value;
}

const inMain = (emit: Emitter): Place => ({
  op: (opType, inputs, attributes) => emit.op(opType, inputs, attributes),
  constant: (tensor) => emit.constant(tensor),
});

function inBranch(branch: Graph): Place {
  return {
    op: (opType, inputs, attributes = {}) => {
      // The engine refuses two nodes of one name.
      const name = branch.uniqueName(`${branch.name}/${opType}`);
      return branch.append({ opType, inputs, name, outputs: [name], attributes }).output;
    },
    constant: (tensor) => branch.addConstant(`${branch.name}.rounding`, tensor),
  };
}

const lastFromFirst = [0, 2, 3, 1];
const firstFromLast = [0, 3, 1, 2];
const channelsLast = ({ op }: Place, value: Value) =>
  op("Transpose", [value], { perm: attribute.ints(lastFromFirst) });
const channelsFirst = ({ op }: Place, value: Value) =>
  op("Transpose", [value], { perm: attribute.ints(firstFromLast) });

function emitFloat({ op, constant }: Place, { value, rounding }: Passing): Value {
  return rounding ? op("DequantizeLinear", [value, ...rounding.map(constant)]) : value;
}

/** What a span reads in place of what it makes. */
function emitPast(place: Place, start: Passing, end: Passing): Value {
  const [from, to] = [start.rounding, end.rounding];
  const isSame = from === to || (from && to && from.every((tensor, i) => isEqual(tensor, to[i]!)));
  if (isSame) return start.value;
  const float = emitFloat(place, start);
  return to ? place.op("QuantizeLinear", [float, ...to.map(place.constant)]) : float;
}

const isEqual = (a: Tensor, b: Tensor): boolean =>
  a.type === b.type && `${a.toNumbers()}` === `${b.toNumbers()}`;

/** Of a fixed number of images, which are all computed. */
function emitChosen(branch: Graph, goPast: Value, past: Value, through: Value): Value {
  const { op, constant } = inBranch(branch);
  return op("Where", [op("Reshape", [goPast, constant(Tensor.int64([4], [-1, 1, 1, 1]))]), past, through]);
}
