/**
 * Writes an exit into a network: the head behind the value that it reads, and all that follows as a branch of `If`.
 *
 *   network up to the cut ─┬─ head ─ scores ─ confidence of each image ─ smallest > threshold ?
 *                          │           ├─ yes ──────────────────────────────────┐
 *                          └───────────┴─ no: the rest for the others, put among them ─┴─ scores
 *
 * An image gets the same answer in whatever company: where it is confident that of the exit, else that of the whole
 * network. With an open number of images the rest is computed for those alone that need it; where the number is fixed,
 * for all as soon as one does. The branch reads one value from outside: the 8-bit one where the cut is rounded, so that its
 * kernels fuse as without an exit.
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
  Value,
} from "@cupel/onnx";
import { endsInSoftmax, imageInputOf, inputsOf } from "@cupel/predict";
import { emitFeatures, readAtExit } from "../branch/branch-features.ts";
import { type BranchHead, emitHead } from "../branch/branch-head.ts";
import type { CutPoint } from "../branch/cut-points.ts";
import { putIn, putInForSome, takeOut } from "../branch/part.ts";

export interface Exit {
  readonly place: CutPoint;
  readonly head: BranchHead;
  /** An image leaves when the largest probability of its exit is above this: 1 is never, below 0 always. */
  readonly threshold: number;
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
  graph.outputs.length = 0;
  const rest = takeOut(graph, cut, output);

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
    ? putInForSome(others, { cut, areDone: areConfident, done: scores }, (some) =>
        putIn(others, rest, cut, some),
      )
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
