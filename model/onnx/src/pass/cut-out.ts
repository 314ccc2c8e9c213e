/** A part of a model as a model of its own: what computes some values from others. Trials and training of single blocks use it. */
import { onnxErrors } from "../errors.ts";
import { cloneModel, type Model, Value } from "../graph/index.ts";
import { removeDeadCode } from "./dead-code.ts";
import { runPasses } from "./pass.ts";

/**
 * A copy that is fed `inputs` in place of what makes them, and gives `outputs`, both names of values. Inputs of the
 * model that the part needs stay beside them; those it does not need go. `model` is left as it is.
 * @throws GRAPH_EDIT_INVALID where the model has no such value, or one is a constant, or both input and output
 */
export function cutOut(model: Model, inputs: readonly string[], outputs: readonly string[]): Model {
  const part = cloneModel(model);
  const { graph } = part;
  const named = (name: string): Value => {
    const value = graph.value(name);
    if (value && !value.constant) return value;
    throw onnxErrors.error(
      "GRAPH_EDIT_INVALID",
      `Nothing can be cut at "${name}": ${value ? "it is a constant" : "the graph has no such value"}.`,
    );
  };
  const both = inputs.find((name) => outputs.includes(name));
  if (both !== undefined)
    throw onnxErrors.error(
      "GRAPH_EDIT_INVALID",
      `"${both}" cannot be both what a part is fed and what it gives.`,
    );
  graph.outputs.splice(0, graph.outputs.length, ...outputs.map(named));
  const fed = new Set(inputs.map(named));
  for (const value of fed) {
    if (graph.inputs.includes(value)) continue;
    const { name, type } = value;
    graph.rename(value, graph.uniqueName(`${name}.made`));
    const input = graph.add(new Value(name, type));
    graph.replaceUses(value, input);
    graph.inputs.push(input);
  }
  runPasses(part, [removeDeadCode]);
  const names = new Set(inputs);
  const needed = graph.inputs.filter(({ name, uses }) => uses.length > 0 || names.has(name));
  graph.inputs.splice(0, graph.inputs.length, ...needed);
  return part;
}
