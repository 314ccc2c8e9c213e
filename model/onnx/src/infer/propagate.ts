/**
 * Walks the graph once in execution order and gathers what can be known before it runs: the type of every
 * value and the contents of small tensors. It changes nothing; `inferShapes` writes the types down, the
 * constant folder uses the contents.
 */

import { CupelError, elementCount, own } from "@cupel/base";
import { onnxErrors } from "../errors.ts";
import { dimensionOf, type Elements, elementsOf } from "../evaluate/elements.ts";
import { type EvaluationContext, evaluate, evaluatedOperators } from "../evaluate/evaluate.ts";
import {
  type Dimension,
  elementTypes,
  type Graph,
  isStatic,
  type Model,
  type Node,
  type Shape,
  subgraphsOf,
  tensorType,
  type Value,
  type ValueType,
} from "../graph/index.ts";
import type { Inferred, RuleContext } from "../operator/context.ts";
import { operatorOf } from "../shape/operators.ts";

export interface PropagateOptions {
  /** Shapes the inputs are to have, by name, instead of what they declare. */
  readonly inputShapes?: Readonly<Record<string, readonly Dimension[]>>;
  /** Tensors of more elements are not looked into. */
  readonly elementLimit: number;
  /** May an initialiser be trusted that is also a graph input, and that a caller may therefore replace? */
  readonly trustDefaults: boolean;
  /** May constants of elements under 8 bits be looked into? */
  readonly unpacks: boolean;
  /**
   * For estimates: what depends on the data is taken to be as many as it can be, and nothing is said of a node whose
   * inputs do not go together or whose sizes are none. Default: such sizes are unknown, and such a node is an error.
   */
  readonly greatest?: boolean;
}

export interface Facts {
  readonly types: Map<Value, ValueType>;
  readonly contents: Map<Value, Elements>;
  /** Labels of nodes of which some output has no type, or no rank. */
  readonly unknown: string[];
}

/** @throws SHAPE_CONFLICT, MODEL_INVALID */
export function propagate(model: Model, options: PropagateOptions): Facts {
  const walk = new Walk(model, options);
  walk.graph(model.graph);
  return walk.facts;
}

export class Walk {
  readonly facts: Facts = { types: new Map(), contents: new Map(), unknown: [] };
  readonly #model: Model;
  readonly #options: PropagateOptions;
  /** What `inputShapes` makes of the symbols the inputs declare: "N" may become 1. */
  readonly #sizes: ReadonlyMap<string, Dimension>;

  constructor(model: Model, options: PropagateOptions) {
    this.#model = model;
    this.#options = options;
    this.#sizes = bindSymbols(model.graph, options.inputShapes ?? {});
  }

  graph(graph: Graph): void {
    const { types } = this.facts;
    for (const constant of graph.initializers) {
      const { type, dims } = constant.constant!;
      types.set(constant, tensorType(type, dims));
    }
    for (const value of graph.values()) {
      if (value.sparse && value.shape === null) {
        const type = this.#declared(value);
        if (type) types.set(value, type);
      }
    }
    for (const input of graph.inputs) {
      const type = this.#declared(input);
      if (type && !types.has(input)) types.set(input, type);
    }
    for (const node of graph.nodes) this.node(node);
  }

  /** One node, after those that make its inputs. */
  node(node: Node): void {
    for (const body of subgraphsOf(node)) this.#body(node, body);
    const context = this.#contextOf(node);
    const inferred = this.#unlessConflict(() => this.#infer(node, context)) ?? [];
    node.outputs.forEach((output, index) => {
      if (output.name === "") return;
      const type = merge(inferred[index] ?? null, this.#declared(output));
      if (type) this.facts.types.set(output, type);
    });
    if (node.isStandard && evaluatedOperators.has(node.opType)) {
      this.#unlessConflict(() => this.#evaluate(node, context));
    }
    if (node.outputs.some((output) => output.name !== "" && !this.#isKnown(output))) {
      this.facts.unknown.push(node.label);
    }
  }

  /** @throws SHAPE_CONFLICT; MODEL_INVALID for a size that no tensor has. */
  #infer(node: Node, context: RuleContext): readonly (Inferred | null)[] {
    if (node.is("If")) return this.#join(node);
    if (!node.isStandard) return [];
    const most = this.#options.greatest ? greatestSizes.get(node.opType) : undefined;
    const inferred = (most ?? operatorOf(node.opType)?.infer)?.(context) ?? [];
    for (const each of inferred) {
      const size = each?.shape?.find((dim) => typeof dim === "number" && !isSize(dim));
      if (size === undefined) continue;
      throw onnxErrors.error(
        "MODEL_INVALID",
        `${node.label} would make a tensor of shape [${each?.shape?.map((dim) => dim ?? "?").join(", ")}]: ${size} is no size.`,
        { details: { node: node.label } },
      );
    }
    return inferred;
  }

  #unlessConflict<T>(work: () => T): T | null {
    try {
      return work();
    } catch (thrown) {
      if (this.#options.greatest && isOfGraph(thrown)) return null;
      throw thrown;
    }
  }

  #isKnown(value: Value): boolean {
    const type = this.facts.types.get(value);
    return type !== undefined && (type.kind === "opaque" || type.shape !== null);
  }

  #evaluate(node: Node, context: RuleContext): void {
    const inferred = node.outputs.map((output): Inferred | null => {
      const type = this.facts.types.get(output);
      return type?.kind === "tensor" ? type : null;
    });
    // What would be too large to hold is not computed in the first place.
    const isSmall = inferred.every(
      (type) => isStatic(type?.shape ?? null) && sizeOf(type!.shape) <= this.#options.elementLimit,
    );
    if (!isSmall) return;
    const contents = (index: number): Elements | null => {
      const value = node.input(index);
      return value && this.#contents(value);
    };
    const whole: EvaluationContext = { ...context, contents, inferred };
    evaluate(whole).forEach((held, index) => {
      if (held) this.facts.contents.set(node.outputs[index]!, held);
    });
  }

  /** Constants are decoded when first asked for. */
  #contents(value: Value): Elements | null {
    const held = this.facts.contents.get(value);
    if (held) return held;
    const tensor = value.constant;
    if (!tensor || tensor.size > this.#options.elementLimit) return null;
    if (!this.#options.unpacks && elementTypes[tensor.type].bits < 8) return null;
    if (!this.#options.trustDefaults && this.#model.graph.inputs.includes(value)) return null;
    const elements = elementsOf(tensor);
    if (elements) this.facts.contents.set(value, elements);
    return elements;
  }

  /** What the model says itself, with `inputShapes` applied. */
  #declared(value: Value): ValueType | null {
    const { type } = value;
    if (type?.kind !== "tensor") return type;
    const given = own(this.#options.inputShapes ?? {}, value.name);
    if (given && this.#model.graph.inputs.includes(value)) return tensorType(type.elementType, given);
    if (type.shape === null || this.#sizes.size === 0) return type;
    return tensorType(
      type.elementType,
      type.shape.map((size) => (typeof size === "string" ? (this.#sizes.get(size) ?? size) : size)),
    );
  }

  #contextOf(node: Node): RuleContext {
    const typeOf = (index: number) => {
      const value = node.input(index);
      if (value?.constant) return { elementType: value.constant.type, shape: value.constant.dims };
      const type = value && this.facts.types.get(value);
      return type?.kind === "tensor" ? type : null;
    };
    return {
      node,
      opset: this.#model.opset,
      has: (index) => node.input(index) !== null,
      shape: (index) => typeOf(index)?.shape ?? null,
      elementType: (index) => typeOf(index)?.elementType ?? null,
      elements: (index) => {
        const value = node.input(index);
        return (value && this.#contents(value)?.cells.map(dimensionOf)) ?? null;
      },
      conflict: (reason) => this.#conflict(node, reason),
    };
  }

  /**
   * A branch of If that cannot run (exporters guard a Squeeze by asking for the size) may well contradict
   * itself: then it says nothing.
   */
  #body(node: Node, body: Graph): void {
    try {
      this.graph(body);
    } catch (thrown) {
      if (!node.is("If") || !isOfGraph(thrown)) throw thrown;
    }
  }

  /** If: what both branches agree on, or the one that will be taken. */
  #join(node: Node): (Inferred | null)[] {
    const [first, ...others] = this.#branches(node);
    return (first?.outputs ?? []).map((output, index) => {
      let joined = this.#inferredOf(output);
      for (const other of others) {
        const value = other.outputs[index];
        joined = joinTypes(joined, value ? this.#inferredOf(value) : null);
      }
      return joined;
    });
  }

  #branches(node: Node): Graph[] {
    const condition = node.input(0);
    const [known] = (condition && this.#contents(condition)?.cells) ?? [];
    if (typeof known !== "bigint") return subgraphsOf(node);
    const taken = node.attributes.get(known === 1n ? "then_branch" : "else_branch");
    return taken?.kind === "graph" ? [taken.value] : [];
  }

  #inferredOf(value: Value): Inferred | null {
    const type = this.facts.types.get(value);
    return type?.kind === "tensor" ? type : null;
  }

  #conflict(node: Node, reason: string) {
    const inputs = node.inputs.flatMap((value) =>
      value ? [{ value: value.name, type: this.facts.types.get(value) }] : [],
    );
    const listed = inputs.map(({ value, type }) => `"${value}" ${typeText(type)}`).join(", ");
    return onnxErrors.error("SHAPE_CONFLICT", `${node.label}: ${reason}. Its inputs: ${listed || "none"}.`, {
      details: {
        node: node.label,
        inputs: inputs.map(({ value, type }) => ({
          value,
          shape: type?.kind === "tensor" ? type.shape : null,
        })),
      },
    });
  }
}

/** Operators whose shape depends on the data: the greatest that it can be, for `greatest`. */
const greatestSizes: ReadonlyMap<string, (context: RuleContext) => readonly (Inferred | null)[]> = new Map([
  [
    "NonZero",
    (context) => {
      const data = context.shape(0);
      return [{ elementType: "int64", shape: data && [data.length, countOf(data)] }];
    },
  ],
  [
    "Compress",
    (context) => {
      const data = context.shape(0);
      const isFlat = !context.node.attributes.has("axis");
      return [{ elementType: context.elementType(0), shape: data && isFlat ? [countOf(data)] : data }];
    },
  ],
]);

function countOf(shape: NonNullable<Shape>): Dimension {
  return isStatic(shape) ? elementCount(shape) : null;
}

/** What is wrong with the graph, no defect here. */
function isOfGraph(thrown: unknown): boolean {
  return (
    thrown instanceof CupelError && (thrown.code === "SHAPE_CONFLICT" || thrown.code === "MODEL_INVALID")
  );
}

function isSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0;
}

function typeText(type: ValueType | undefined): string {
  if (type?.kind !== "tensor") return "of unknown type";
  return `${type.elementType} ${type.shape ? `[${type.shape.map((size) => size ?? "?").join(", ")}]` : "of unknown rank"}`;
}

function sizeOf(shape: Shape): number {
  return (shape ?? []).reduce<number>(
    (count, size) => (typeof size === "number" ? count * size : Number.NaN),
    1,
  );
}

/**
 * The rule decides; what the file declares fills in where the rule says nothing. After an edit the
 * declarations may be stale, so they never contradict a rule.
 */
function merge(inferred: Inferred | null, declared: ValueType | null): ValueType | null {
  if (!inferred) return declared;
  if (declared?.kind === "opaque") return declared;
  const elementType = inferred.elementType ?? declared?.elementType;
  if (!elementType) return declared;
  const shape = inferred.shape ?? declared?.shape ?? null;
  const stated = declared?.shape;
  if (!shape || shape.length !== stated?.length) return tensorType(elementType, shape);
  return tensorType(
    elementType,
    shape.map((size, axis) => size ?? stated[axis]!),
  );
}

function joinTypes(a: Inferred | null, b: Inferred | null): Inferred | null {
  if (!a || !b || a.elementType !== b.elementType) return null;
  const isSameRank = a.shape && b.shape && a.shape.length === b.shape.length;
  const shape = isSameRank ? a.shape.map((size, axis) => (size === b.shape?.[axis] ? size : null)) : null;
  return { elementType: a.elementType, shape };
}

/** @throws SHAPE_CONFLICT when a given shape contradicts what an input declares. */
function bindSymbols(
  graph: Graph,
  inputShapes: Readonly<Record<string, readonly Dimension[]>>,
): ReadonlyMap<string, Dimension> {
  const sizes = new Map<string, Dimension>();
  for (const [name, given] of Object.entries(inputShapes)) {
    const refuse = (reason: string) =>
      onnxErrors.error(
        "SHAPE_CONFLICT",
        `The shape [${given}] cannot be given to the input "${name}": ${reason}.`,
        {
          details: { value: name, shape: given },
        },
      );
    const input = graph.inputs.find((each) => each.name === name);
    if (!input) throw refuse(`the inputs are ${graph.inputs.map((each) => `"${each.name}"`).join(", ")}`);
    const declared = input.shape;
    if (declared === null) continue;
    if (declared.length !== given.length) throw refuse(`it is declared with ${declared.length} dimensions`);
    declared.forEach((size, axis) => {
      const wanted = given[axis]!;
      if (typeof size === "number") {
        if (size !== wanted) throw refuse(`axis ${axis} is declared as ${size}`);
      } else if (typeof size === "string") {
        const bound = sizes.get(size);
        if (bound !== undefined && bound !== wanted)
          throw refuse(`"${size}" would be both ${bound} and ${wanted}`);
        sizes.set(size, wanted);
      }
    });
  }
  return sizes;
}
