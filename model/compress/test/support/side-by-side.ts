/** Several models of one input as one, so that a session runs them all: opening one for each takes most of the time. */
import { Model, Value } from "@cupel/onnx";

/** Their outputs, in order, are those of the first model, then those of the second, and so on. */
export function sideBySide(models: readonly Model[]): Model {
  const [first] = models;
  const all = new Model({ irVersion: 8, opsets: new Map(first!.opsets) });
  const image = first!.graph.inputs[0]!;
  const x = all.graph.add(new Value(image.name, image.type));
  all.graph.inputs.push(x);
  for (const [i, { graph }] of models.entries()) {
    const copies = new Map<Value, Value>([[graph.inputs[0]!, x]]);
    for (const value of graph.initializers) {
      copies.set(value, all.graph.addConstant(`${i}.${value.name}`, value.constant!));
    }
    for (const node of graph.nodes) {
      const { outputs } = all.graph.append({
        opType: node.opType,
        name: `${i}.${node.name}`,
        inputs: node.inputs.map((value) => value && copies.get(value)!),
        outputs: node.outputs.map(({ name }) => `${i}.${name}`),
        attributes: Object.fromEntries(node.attributes),
      });
      for (const [at, output] of outputs.entries()) {
        output.type = node.outputs[at]!.type;
        copies.set(node.outputs[at]!, output);
      }
    }
    all.graph.outputs.push(...graph.outputs.map((value) => copies.get(value)!));
  }
  return all;
}
