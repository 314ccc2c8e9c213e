/**
 * A network made ready for training: in an operator set that gradients can be written in, in float32, each parameter a
 * constant of its own that the layers read, all other arithmetic on constants done ahead.
 */
import {
  cloneModel,
  foldConstants,
  type Model,
  runPasses,
  sortTopologically,
  symbolicBatch,
  upgradeOpset,
  widenFloats,
} from "@cupel/onnx";
import { restoreBiases } from "./exported-module.ts";
import { constantsBeside, floatConstants } from "./parameters.ts";
import { type Separated, separateParameters, type Tied } from "./separate-parameters.ts";

export interface ParameterOptions {
  /** Which parameters to train, by name; the others stay as they are. Default: all. */
  readonly trainable?: ((name: string) => boolean) | undefined;
  /**
   * Float constants that are parameters, by name, although the rule takes them for constants, such as a learned number in a
   * file that does not tell. Default: none. The rule is in the package's README.
   */
  readonly parameters?: ((name: string) => boolean) | undefined;
  /**
   * Whether a constant that several layers read is one parameter (true) or one for each (false), by name. Default: what
   * `separateParameters` finds.
   */
  readonly tied?: Tied | undefined;
}

export interface FoldedNetwork {
  readonly model: Model;
  /** Names of the constants that are parameters. */
  readonly parameters: ReadonlySet<string>;
  /** Names of the other float constants, but running statistics. */
  readonly constants: ReadonlySet<string>;
  /** What to know of how the trained model will differ from the network. */
  readonly notes: readonly string[];
}

/** A copy; for any number of images where the graph allows it. @throws those of `upgradeOpset` */
export function foldNetwork(
  network: Model,
  { parameters: chosen = () => false, tied = () => undefined }: ParameterOptions,
): FoldedNetwork {
  const model = cloneModel(network);
  // In files of IR version 3 initialisers are inputs as well, which a caller might feed.
  const fed = model.graph.inputs.filter((input) => !input.constant);
  model.graph.inputs.splice(0, model.graph.inputs.length, ...fed);
  model.irVersion = Math.max(4, model.irVersion);
  sortTopologically(model.graph);
  const upgraded = runPasses(model, [upgradeOpset(), widenFloats]).notes;
  storeConstants(model);
  const restored = restoreBiases(model);
  const separated = separateParameters(model, tied);
  // What is computed ahead from constants is none of the file's parameters, wherever it is read.
  const { parameters, withoutGradient } = floatConstants(model, chosen);
  foldAround(model, parameters);
  const opened = runPasses(model, [symbolicBatch]).notes;
  const notes = [...upgraded, ...opened, ...notesOn(restored, separated, parameters, withoutGradient)];
  return { model, parameters, constants: constantsBeside(model, parameters), notes };
}

/** Constant nodes become initialisers, which may hold weights. Those in bodies are left: nothing there is trained. */
function storeConstants({ graph }: Model): void {
  for (const node of graph.nodes) {
    const tensor = node.is("Constant") ? node.tensor("value") : null;
    const { output } = node;
    if (tensor?.type !== "float32" || graph.isOutput(output)) continue;
    const { name } = output;
    const stored = graph.addConstant(name, tensor);
    graph.replaceUses(output, stored);
    graph.remove(node);
    graph.rename(stored, name);
  }
}

/**
 * Computes ahead what follows from constants, but not from parameters: what is trained is what the file has, and the arithmetic
 * on it (a transposed or standardised weight, a class token for each image) stays in the graph.
 */
export function foldAround(model: Model, parameters: ReadonlySet<string>): void {
  const { inputs, initializers } = model.graph;
  const kept = [...initializers].filter((value) => parameters.has(value.name) && !inputs.includes(value));
  const { length } = inputs;
  // The folder leaves alone what a caller may feed.
  inputs.push(...kept);
  runPasses(model, [foldConstants]);
  inputs.splice(length);
}

function notesOn(
  restored: readonly string[],
  { made, tied }: Separated,
  parameters: ReadonlySet<string>,
  withoutGradient: ReadonlyMap<string, string>,
): string[] {
  const notes: string[] = [];
  if (restored.length > 0) {
    notes.push(`The exporter left out biases that were 0. They are parameters again: ${quoted(restored)}.`);
  }
  const apart = [...made.values()]
    .map((names) => names.filter((name) => parameters.has(name)))
    .filter(({ length }) => length > 1);
  if (apart.length > 0) {
    const count = apart.reduce((sum, { length }) => sum + length, 0);
    notes.push(
      `Exporters keep equal constants once: ${count} parameters had ${apart.length} in this file ` +
        `(${quoted(apart[0]!)} in one). Each is trained on its own; what the network shares by design is kept as one with "tie".`,
    );
  }
  if (tied.length > 0) {
    notes.push(
      `Trained as one parameter for all the layers that read it: ${quoted(tied)}; "untie" gives each its own.`,
    );
  }
  if (withoutGradient.size > 0) {
    const operators = [...new Set(withoutGradient.values())].join(", ");
    notes.push(
      `Not trained, because ${operators} cannot be differentiated: ${quoted([...withoutGradient.keys()])}.`,
    );
  }
  return notes;
}

/** The first few. */
function quoted(names: readonly string[]): string {
  const few = names.slice(0, 3).map((name) => `"${name}"`);
  return names.length > few.length
    ? `${few.join(", ")} and ${names.length - few.length} more`
    : few.join(", ");
}
