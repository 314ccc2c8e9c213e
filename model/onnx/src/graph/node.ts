/**
 * One application of an operator. Inputs are values or null (an optional input left out); the lists of
 * uses on the values are kept in step by the methods here.
 */

import type { NodeProto } from "../gen/onnx_pb.ts";
import type { Attribute } from "./attribute.ts";
import type { Tensor } from "./tensor.ts";
import type { Use, Value } from "./value.ts";

export interface NodeSpec {
  readonly opType: string;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

export class Node {
  readonly opType: string;
  /** "" is the standard domain ("ai.onnx" means the same). */
  readonly domain: string;
  name: string;
  readonly attributes: Map<string, Attribute>;
  /** The message it was read from; documentation, metadata, overload and unknown fields are written back. */
  readonly proto: NodeProto | null;
  readonly #inputs: (Value | null)[] = [];
  readonly #outputs: Value[] = [];

  constructor(spec: NodeSpec, proto: NodeProto | null = null) {
    this.opType = spec.opType;
    this.domain = spec.domain ?? "";
    this.name = spec.name ?? "";
    this.attributes = new Map(Object.entries(spec.attributes ?? {}));
    this.proto = proto;
    for (const [index, value] of spec.inputs.entries()) this.setInput(index, value);
    for (const value of spec.outputs) {
      value.producer = this;
      this.#outputs.push(value);
    }
  }

  get inputs(): readonly (Value | null)[] {
    return this.#inputs;
  }

  get outputs(): readonly Value[] {
    return this.#outputs;
  }

  get isStandard(): boolean {
    return this.domain === "" || this.domain === "ai.onnx";
  }

  /** Is this the standard operator of that name? */
  is(...opTypes: string[]): boolean {
    return this.isStandard && opTypes.includes(this.opType);
  }

  /** For messages: what a person would look for in a viewer. */
  get label(): string {
    const name = this.name || this.#outputs[0]?.name || "?";
    return `${this.domain ? `${this.domain}.` : ""}${this.opType} "${name}"`;
  }

  /** Reads, never makes, an input; null when left out or absent. */
  input(index: number): Value | null {
    return this.#inputs[index] ?? null;
  }

  /** The only output most operators have. */
  get output(): Value {
    return this.#outputs[0]!;
  }

  setInput(index: number, value: Value | null): void {
    while (this.#inputs.length < index) this.#inputs.push(null);
    const old = this.#inputs[index];
    if (old) {
      const at = placeOf(old.uses, this, index);
      if (at >= 0) old.uses.splice(at, 1);
    }
    this.#inputs[index] = value;
    value?.uses.push({ node: this, index });
  }

  /** Gives up every input: what Graph.remove does before it drops the node. */
  disconnect(): void {
    for (let index = 0; index < this.#inputs.length; index++) this.setInput(index, null);
  }

  /** Makes another value the output at `index`; the old one is left without a producer. */
  setOutput(index: number, value: Value): void {
    const old = this.#outputs[index];
    if (old?.producer === this) old.producer = null;
    this.#outputs[index] = value;
    value.producer = this;
  }

  // Attributes with the default the operator's specification gives.

  int(name: string, fallback: number): number {
    const found = this.attributes.get(name);
    return found?.kind === "int" ? found.value : fallback;
  }

  float(name: string, fallback: number): number {
    const found = this.attributes.get(name);
    return found?.kind === "float" ? found.value : fallback;
  }

  string(name: string, fallback: string): string {
    const found = this.attributes.get(name);
    return found?.kind === "string" ? found.value : fallback;
  }

  ints(name: string): readonly number[] | null {
    const found = this.attributes.get(name);
    return found?.kind === "ints" ? found.value : null;
  }

  tensor(name: string): Tensor | null {
    const found = this.attributes.get(name);
    return found?.kind === "tensor" ? found.value : null;
  }
}

/** From both ends: nodes are removed in their order or against it, and a value may have very many uses. */
function placeOf(uses: readonly Use[], node: Node, index: number): number {
  const isIt = (at: number): boolean => uses[at]!.node === node && uses[at]!.index === index;
  for (let low = 0, high = uses.length - 1; low <= high; low++, high--) {
    if (isIt(low)) return low;
    if (isIt(high)) return high;
  }
  return -1;
}
