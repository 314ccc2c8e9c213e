/**
 * Reverse-mode differentiation as a graph transform: a model goes in, a model comes out that computes the
 * loss and its gradients with operators every ONNX engine has.
 *
 * One walk from the loss to the start of the graph. Each node on a path from a wanted value to the loss is
 * handed to its rule with the gradients of its outputs; what the rule returns is added up per value, since
 * a value that is read twice receives two gradients.
 */
import { own } from "@cupel/base";
import {
  cloneModel,
  Emitter,
  type Graph,
  type Model,
  type Node,
  removeDeadCode,
  runPasses,
  type Value,
} from "@cupel/onnx";
import { type Composite, compositeOf } from "./composite.ts";
import { trainErrors } from "./errors.ts";
import { gradientRules } from "./gradient/rules.ts";
import type { GradientContext } from "./gradient-rule.ts";

export interface DifferentiateOptions {
  /** Name of the scalar to differentiate. */
  readonly loss: string;
  /** Names of the values to differentiate with respect to: parameters, inputs or intermediate values. */
  readonly wrt: readonly string[];
}

/** The name under which the gradient of a value is an output of the differentiated graph. */
export const gradientName = (name: string): string => `${name}.gradient`;

/**
 * The model itself is not changed. Outputs of the result: the loss, then one `NAME.gradient` for each of
 * `wrt`, each of the shape of the value.
 * @throws GRADIENT_UNSUPPORTED naming the operator; GRADIENT_UNREACHABLE; SHAPE_NOT_STATIC; SHAPE_CONFLICT
 */
export function differentiate(model: Model, { loss, wrt }: DifferentiateOptions): Model {
  const result = cloneModel(model);
  const { graph } = result;
  const wanted = wrt.map((name) => valueNamed(graph, name));
  const scalar = valueNamed(graph, loss);
  const emit = new Emitter(result);
  const gradients = appendGradients(emit, scalar, wanted);
  // A value may be its own gradient (of a sum, say), and the same gradient may serve two values.
  const named = gradients.map(
    (gradient, index) => emit.node("Identity", [gradient], {}, [gradientName(wrt[index]!)])[0]!,
  );
  graph.outputs.splice(0, graph.outputs.length, scalar, ...named);
  runPasses(result, [removeDeadCode]);
  return result;
}

/**
 * Appends to the emitter's graph what computes the gradients of `loss`, a scalar, with respect to `wanted`,
 * and returns them in that order.
 */
export function appendGradients(emit: Emitter, loss: Value, wanted: readonly Value[]): Value[] {
  if (emit.dims(loss).some((size) => size !== 1)) {
    throw trainErrors.error(
      "GRADIENT_UNREACHABLE",
      `"${loss.name}" has the shape [${emit.dims(loss)}]; only a scalar can be differentiated. Reduce it to its mean first.`,
    );
  }
  const path = pathBetween(emit.model.graph, wanted, loss);
  const gradients = new Map<Value, Value>([[loss, emit.filled(emit.dims(loss), 1)]]);
  const add = (value: Value | null | undefined, gradient: Value | null): void => {
    if (gradient === null || !value || !path.values.has(value)) return;
    const held = gradients.get(value);
    gradients.set(value, held ? emit.add(held, gradient) : gradient);
  };
  const passed = new Set<Composite>();
  for (const node of path.nodes) {
    emit.scope = `${node.name || node.output.name}/gradient/`;
    const composite = compositeOf(node);
    if (composite) {
      const incoming = composite.outputs.map((output) => gradients.get(output) ?? null);
      if (passed.has(composite) || incoming.every((gradient) => gradient === null)) continue;
      passed.add(composite);
      const wants = (index: number) => path.values.has(composite.inputs[index]!);
      for (const [index, gradient] of composite.backward(incoming, wants).entries()) {
        add(composite.inputs[index], gradient);
      }
      continue;
    }
    if (!node.outputs.some((output) => gradients.has(output))) continue;
    const context = contextOf(node, emit, gradients, path.values);
    const rule = node.isStandard ? own(gradientRules, node.opType) : undefined;
    if (!rule) throw context.unsupported("it has no gradient rule (docs/operators.md lists those that have)");
    for (const [index, gradient] of rule(context).entries()) add(node.input(index), gradient);
  }
  return wanted.map((value) => {
    const gradient = gradients.get(value);
    if (gradient) return gradient;
    throw trainErrors.error(
      "GRADIENT_UNREACHABLE",
      `"${loss.name}" does not depend on "${value.name}" in a way that can be differentiated.`,
      { details: { loss: loss.name, value: value.name } },
    );
  });
}

interface Path {
  /** Those between a wanted value and the loss, last first. */
  readonly nodes: readonly Node[];
  /** What depends on a wanted value, the wanted ones included. */
  readonly values: ReadonlySet<Value>;
}

function pathBetween(graph: Graph, wanted: readonly Value[], loss: Value): Path {
  const values = new Set(wanted);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    if (!node.inputs.some((input) => input && values.has(input))) continue;
    nodes.push(node);
    for (const output of node.outputs) if (carriesGradient(output)) values.add(output);
  }
  const leading = new Set([loss]);
  const between = nodes.reverse().filter((node) => {
    if (!node.outputs.some((output) => leading.has(output))) return false;
    for (const input of node.inputs) if (input) leading.add(input);
    return true;
  });
  return { nodes: between, values };
}

/**
 * Integers and truth values carry no gradient: the walk ends there. Quantised integers carry that of the
 * numbers they stand for (gradient/quantisation.ts).
 */
function carriesGradient(value: Value): boolean {
  const isFloat = value.type?.kind === "tensor" && /float/.test(value.type.elementType);
  return isFloat || value.producer?.is("QuantizeLinear") === true;
}

function contextOf(
  node: Node,
  emit: Emitter,
  gradients: ReadonlyMap<Value, Value>,
  active: ReadonlySet<Value>,
): GradientContext {
  const unsupported = (reason: string) =>
    trainErrors.error("GRADIENT_UNSUPPORTED", `${node.label} cannot be differentiated: ${reason}.`, {
      details: { node: node.label, opType: node.opType },
    });
  return {
    node,
    emit,
    unsupported,
    input: (index) => {
      const value = node.input(index);
      if (value === null) throw unsupported(`input ${index} is missing`);
      return value;
    },
    output: (index = 0) => node.outputs[index]!,
    incoming: (index = 0) => gradients.get(node.outputs[index]!) ?? null,
    wants: (index) => {
      const value = node.input(index);
      return value !== null && active.has(value);
    },
  };
}

function valueNamed(graph: Graph, name: string): Value {
  const value = graph.value(name);
  if (value) return value;
  throw trainErrors.error(
    "GRADIENT_UNREACHABLE",
    `The graph has no value "${name}". Values are named after the outputs of nodes, as a viewer shows them.`,
    { details: { name } },
  );
}
