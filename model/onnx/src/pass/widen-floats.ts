/**
 * Writes a model that holds or computes 16-bit floats (float16, bfloat16: whole, only inside, or weights at rest
 * behind Cast) in float32. The engine's CPU kernels compute such nodes in float32 as well, so nothing is lost,
 * and every later step knows one kind of float. What the model takes and gives keeps its declared type: a Cast
 * stands behind such an input and before such an output.
 */
import {
  attribute,
  type ElementType,
  elementTypes,
  type Graph,
  type Model,
  type Node,
  subgraphsOf,
  Tensor,
  tensorType,
  type Value,
  type ValueType,
} from "../graph/index.ts";
import { propagate } from "../infer/propagate.ts";
import type { Pass } from "./pass.ts";

/** Integers that name an element type: a 16-bit float becomes float32. */
const typeAttributes = ["to", "dtype", "output_dtype"];

const halves: ReadonlySet<ElementType> = new Set(["float16", "bfloat16"]);
const halfCodes: ReadonlySet<number> = new Set([...halves].map((type) => elementTypes[type].code));
const float32Code = elementTypes.float32.code;

export const widenFloats: Pass = {
  name: "widen-floats",
  run(model) {
    const found = halvesIn(model.graph);
    if (found.size === 0) return { modified: false, notes: [] };
    const types = typesOf(model);
    keepInputs(model.graph, types);
    keepOutputs(model.graph, types);
    widen(model.graph, model.graph, types);
    return { modified: true, notes: [`computes in float32 what was ${[...found].join(" and ")}`] };
  },
};

type Types = Map<Value, ValueType>;

/** As inferred before anything changes. */
function typesOf(model: Model): Types {
  return propagate(model, { elementLimit: 1024, trustDefaults: true, unpacks: false }).types;
}

function halfOf(type: ValueType | null | undefined): ElementType | null {
  return type?.kind === "tensor" && halves.has(type.elementType) ? type.elementType : null;
}

/** Element types of 16 bits that are declared, stored or cast to anywhere. */
function halvesIn(graph: Graph): Set<ElementType> {
  const found = new Set<ElementType>();
  const note = (type: ElementType | null | undefined) => {
    if (type && halves.has(type)) found.add(type);
  };
  for (const value of graph.values()) {
    note(value.constant?.type);
    note(halfOf(value.type));
  }
  for (const node of graph.nodes) {
    for (const each of node.attributes.values()) if (each.kind === "tensor") note(each.value.type);
    for (const type of halves) {
      if (typeAttributes.some((name) => node.int(name, 0) === elementTypes[type].code)) found.add(type);
    }
    for (const body of subgraphsOf(node)) for (const type of halvesIn(body)) found.add(type);
  }
  return found;
}

/** What reads a 16-bit input reads a float32 copy of it. */
function keepInputs(graph: Graph, types: Types): void {
  const [first] = graph.nodes;
  if (!first) return;
  for (const input of graph.inputs) {
    if (input.constant || !halfOf(types.get(input)) || input.uses.length === 0) continue;
    const uses = [...input.uses];
    const cast = graph.insertBefore(first, {
      opType: "Cast",
      name: `${input.name}_float32`,
      inputs: [input],
      attributes: { to: attribute.int(float32Code) },
      type: widened(types.get(input)!),
    });
    types.set(cast.output, widened(types.get(input)!));
    for (const { node, index } of uses) node.setInput(index, cast.output);
  }
}

/** What makes a 16-bit output makes a float32 value, and a Cast makes the output under its name. */
function keepOutputs(graph: Graph, types: Types): void {
  for (const output of new Set(graph.outputs)) {
    const type = types.get(output);
    const half = halfOf(type);
    const { producer } = output;
    if (!type || !half || !producer) continue;
    const inner = graph.newValue(`${output.name}_float32`, widened(type));
    graph.replaceUses(output, inner);
    producer.setOutput(producer.outputs.indexOf(output), inner);
    types.set(inner, widened(type));
    graph.append({
      opType: "Cast",
      inputs: [inner],
      outputs: [output],
      attributes: { to: attribute.int(elementTypes[half].code) },
    });
    output.type = type;
  }
}

/** @param model the outermost graph, whose inputs and outputs stay as they are. */
function widen(graph: Graph, model: Graph, types: Types): void {
  const face = new Set(graph === model ? [...graph.inputs, ...graph.outputs] : []);
  for (const value of graph.values()) {
    if (value.constant && halves.has(value.constant.type)) {
      graph.setConstant(value, Tensor.float32(value.constant.dims, value.constant.toFloat32()));
      value.type &&= widened(value.type);
    } else if (!face.has(value) && value.type) value.type = widened(value.type);
  }
  for (const node of graph.nodes) {
    for (const body of subgraphsOf(node)) widen(body, model, types);
    // The Casts of an input and to an output.
    if ([...node.inputs, ...node.outputs].some((value) => value && face.has(value) && halfOf(value.type)))
      continue;
    const passesOn = isFloatCast(node, types);
    widenAttributes(node);
    if (passesOn) leaveOut(graph, node);
  }
}

/** A Cast of no effect. What makes an output of the model keeps that name; any other keeps that of its source. */
function leaveOut(graph: Graph, cast: Node): void {
  const source = cast.input(0)!;
  const maker = source.producer;
  if (!graph.isOutput(cast.output)) graph.bypass(cast, source);
  else if (maker?.output === source && source.uses.length === 1 && !graph.isOutput(source))
    graph.absorb(maker, cast);
}

/** Between float32 and 16 bits, or between two kinds of 16 bits: of no effect where both are float32. */
function isFloatCast(node: Node, types: Types): boolean {
  const from = node.input(0) && types.get(node.input(0)!);
  const isFloat = (type: ElementType) => type === "float32" || halves.has(type);
  const to = node.int("to", 0);
  return (
    node.is("Cast") &&
    from?.kind === "tensor" &&
    isFloat(from.elementType) &&
    (to === float32Code || halfCodes.has(to))
  );
}

function widenAttributes(node: Node): void {
  for (const [name, held] of node.attributes) {
    if (held.kind === "tensor" && halves.has(held.value.type)) {
      const { dims } = held.value;
      node.attributes.set(name, attribute.tensor(Tensor.float32(dims, held.value.toFloat32())));
    } else if (held.kind === "int" && typeAttributes.includes(name) && halfCodes.has(held.value)) {
      node.attributes.set(name, attribute.int(float32Code));
    }
  }
}

function widened(type: ValueType): ValueType {
  return type.kind === "tensor" && halves.has(type.elementType) ? tensorType("float32", type.shape) : type;
}
