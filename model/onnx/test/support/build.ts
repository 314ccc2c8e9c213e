/** Small models for tests, built by hand. */
import { type ElementType, elementTypes, Model, type Shape, tensorType, Value } from "../../src/index.ts";

/** A model with float32 inputs of the given shapes (or of a type, when a pair is given) and no nodes yet. */
export function modelOf(
  inputs: Readonly<Record<string, Shape | readonly [ElementType, Shape]>>,
  opset = 17,
): Model {
  const model = new Model({ irVersion: 8, opsets: new Map([["", opset]]) });
  for (const [name, given] of Object.entries(inputs)) {
    const [type, shape] = isTyped(given) ? given : (["float32", given] as const);
    model.graph.inputs.push(model.graph.add(new Value(name, tensorType(type, shape))));
  }
  return model;
}

function isTyped(given: Shape | readonly [ElementType, Shape]): given is readonly [ElementType, Shape] {
  const [first] = given ?? [];
  return typeof first === "string" && Object.hasOwn(elementTypes, first);
}

/** The value of that name; the test fails when there is none. */
export function valueNamed(model: Model, name: string): Value {
  const found = model.graph.value(name);
  if (!found) throw new Error(`The graph has no value "${name}".`);
  return found;
}

/** The only thing thrown by `work`, if it has that code. */
export function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown) return String(thrown.code);
    throw thrown;
  }
  return "nothing thrown";
}
