/**
 * State of a session: inputs whose values stay in the session's thread from run to run. What a run computes
 * for an output becomes the next run's input: a trained parameter, an optimiser's moment, running statistics,
 * a recurrent state. An input bound to no output is held constant: a frozen parameter.
 *
 * This file is what both sides of the thread boundary know of it; the values are kept in `engine-state.ts`.
 */
import { own } from "@cupel/base";
import { runtimeErrors } from "../errors.ts";
import { checkFeed, checkFeedsGiven, fitsShape, packFeeds, shapeText } from "./feeds.ts";
import type { TensorData, ValueInfo } from "./tensor-data.ts";

export interface StateBinding {
  readonly input: string;
  /** The output that replaces the input when a run has succeeded; null holds the input constant. */
  readonly output: string | null;
  /** What the first run reads. Its shape is the state's for the session's life, whatever the graph leaves open. */
  readonly initial: TensorData;
}

/** Bindings ready to post, and the buffers to move with them. @throws INPUT_SHAPE_MISMATCH, TENSOR_TYPE_MISMATCH */
export function packBindings(
  bindings: readonly StateBinding[],
  transfer: boolean,
): { bindings: StateBinding[]; moved: ArrayBuffer[] } {
  const initial = Object.fromEntries(bindings.map((binding) => [binding.input, binding.initial]));
  checkFeedsGiven(stateValues(bindings), initial);
  const { feeds, moved } = packFeeds(initial, transfer ? "transfer" : "copy");
  return {
    bindings: bindings.map((binding) => ({ ...binding, initial: own(feeds, binding.input)! })),
    moved,
  };
}

/** The state as inputs of the shapes it really has. */
export function stateValues(bindings: readonly StateBinding[]): ValueInfo[] {
  return bindings.map(({ input, initial }) => ({ name: input, type: initial.type, dims: initial.dims }));
}

/** @throws STATE_INVALID, and INPUT_SHAPE_MISMATCH or TENSOR_TYPE_MISMATCH when an initial value does not fit its input */
export function checkBindings(
  bindings: readonly StateBinding[],
  model: { readonly inputs: readonly ValueInfo[]; readonly outputs: readonly ValueInfo[] },
): void {
  const inputs = new Map(model.inputs.map((value) => [value.name, value]));
  const outputs = new Map(model.outputs.map((value) => [value.name, value]));
  for (const { input, output, initial } of bindings) {
    checkFeed(take(inputs, "input", input), initial);
    if (output !== null) checkSuccessor(input, initial, take(outputs, "output", output));
  }
}

/** @throws STATE_INVALID */
export function checkStateNames(state: readonly ValueInfo[], names: readonly string[]): void {
  const known = new Set(state.map((value) => value.name));
  const unknown = names.find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw invalid(
    `"${unknown}" is no state of this session; its state is ${[...known].join(", ") || "empty"}.`,
    unknown,
  );
}

/** Removes what it finds, so that nothing is bound twice. */
function take(values: Map<string, ValueInfo>, kind: "input" | "output", name: string): ValueInfo {
  const value = values.get(name);
  if (value === undefined) {
    throw invalid(`State is bound to "${name}", which is no ${kind} of the model or is bound already.`, name);
  }
  values.delete(name);
  return value;
}

function checkSuccessor(input: string, { type, dims }: TensorData, output: ValueInfo): void {
  if (type === output.type && fitsShape(output, dims)) return;
  throw invalid(
    `The output "${output.name}" (${output.type} ${shapeText(output.dims)}) cannot become ` +
      `the state "${input}" (${type} ${shapeText(dims)}).`,
    input,
  );
}

function invalid(message: string, name: string) {
  return runtimeErrors.error("STATE_INVALID", message, { details: { name } });
}
