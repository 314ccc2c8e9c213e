/**
 * Follows channels through a graph, node by node: which values have channels that may be removed, which of them go together,
 * which constants hold them, and what else changes with them. Where a node mixes channels in a way that no rule knows,
 * they stay, and it is said why: nothing that is removed may change what is left.
 */
import { own } from "@cupel/base";
import { attribute, type Graph, isElementwise, type Model, type Node, Tensor, type Value } from "@cupel/onnx";
import type { Channels } from "./channel-map.ts";
import type { ChannelContext, ChannelRule, Remains, Setting, Side } from "./channel-rule.ts";
import { Coupling, type Labels } from "./coupling.ts";
import { layerRules } from "./layer-rules.ts";
import { movingRules } from "./moving-rules.ts";
import { elementwiseRule, passingRules } from "./passing-rules.ts";

/** Every operator that channels are followed through; beside these, all that work element by element. */
export const channelRules: Readonly<Record<string, ChannelRule>> = {
  ...layerRules,
  ...passingRules,
  ...movingRules,
};

/** Where a node has channels. */
export interface ChannelPlace {
  readonly node: Node;
  readonly side: Side;
  /** The constant that holds them. */
  readonly parameter: Value;
  readonly axis: number;
  readonly labels: Labels;
}

export interface Refusal {
  /** Label of the node; null for the outputs of the model. */
  readonly node: string | null;
  readonly reason: string;
  /** How many channels stay because of it, as labels. */
  readonly channels: number;
}

/** A change that is due where some of these channels go. */
export interface ChannelEdit {
  readonly node: Node;
  readonly labels: Labels;
  readonly edit: (remains: Remains) => void;
}

export interface FollowedChannels {
  readonly coupling: Coupling;
  /** By value that nodes compute. */
  readonly values: ReadonlyMap<Value, Channels>;
  readonly places: readonly ChannelPlace[];
  /** What else changes, in the order of nodes. */
  readonly edits: readonly ChannelEdit[];
  readonly refusals: readonly Refusal[];
}

const outputReason = "it is an output of the model";

/** `model` is only read. Shapes MUST be inferred. The same model gives the same labels, and so does a copy of it. */
export function followChannels(model: Model): FollowedChannels {
  const walk = new Walk(model);
  for (const node of model.graph.nodes) walk.visit(node);
  return walk.finished();
}

interface Condition {
  readonly node: Node;
  readonly channels: Channels;
  readonly rewritten: Node;
  readonly reason: string;
}

class Walk {
  readonly #model: Model;
  readonly #coupling = new Coupling();
  readonly #values = new Map<Value, Channels>();
  readonly #places: ChannelPlace[] = [];
  readonly #edits: ChannelEdit[] = [];
  readonly #conditions: Condition[] = [];
  /** What was asked to stay, by node. */
  readonly #kept: { readonly node: string | null; readonly reason: string; readonly labels: Labels }[] = [];

  constructor(model: Model) {
    this.#model = model;
  }

  visit(node: Node): void {
    const asked = new Set<number>();
    const rule = ruleOf(node);
    rule?.(this.#contextOf(node, asked));
    const reason = rule ? "it reads them as a setting" : "nothing is known of how it reads channels";
    for (const [index, value] of node.inputs.entries()) {
      const channels = value && this.#values.get(value);
      if (channels && !asked.has(index)) this.#keep(node.label, channels.labels, reason);
    }
  }

  finished(): FollowedChannels {
    const { graph } = this.#model;
    for (const [value, { labels }] of this.#values) {
      if (graph.isOutput(value)) this.#keep(null, labels, outputReason);
      const inside = value.uses.find(({ node }) => !graph.nodes.has(node));
      if (inside) this.#keep(inside.node.label, labels, "it reads them inside a nested graph");
    }
    this.#keepHalfRead(graph);
    for (const { node, channels, rewritten, reason } of this.#conditions) {
      const edit = this.#edits.find((each) => each.node === rewritten);
      const known = new Set(Array.from(edit?.labels ?? [], (label) => this.#coupling.find(label)));
      const isCovered = channels.labels.every((label) => known.has(this.#coupling.find(label)));
      if (!isCovered) this.#keep(node.label, channels.labels, reason);
    }
    const refused = new Map<string, Refusal>();
    for (const { node, reason, labels } of this.#kept) {
      const key = `${node}: ${reason}`;
      const channels = (refused.get(key)?.channels ?? 0) + new Set(labels).size;
      refused.set(key, { node, reason, channels });
    }
    return {
      coupling: this.#coupling,
      values: this.#values,
      places: this.#places,
      edits: this.#edits,
      refusals: [...refused.values()],
    };
  }

  /** A constant that one node reads by channels and another as a whole stays; where both read channels, they go together. */
  #keepHalfRead(graph: Graph): void {
    const byParameter = Map.groupBy(this.#places, ({ parameter }) => parameter);
    for (const [parameter, places] of byParameter) {
      const byAxis = Map.groupBy(places, ({ axis }) => axis);
      for (const each of byAxis.values()) {
        const [first, ...others] = each;
        for (const { labels } of others) this.#coupling.uniteAll(first!.labels, labels);
        if (each.length === parameter.uses.length && !graph.isOutput(parameter)) continue;
        this.#keep(
          first!.node.label,
          first!.labels,
          `it shares "${parameter.name}" with what cannot lose channels`,
        );
      }
    }
  }

  #keep(node: string | null, labels: Labels, reason: string): void {
    this.#coupling.pin(labels, node === null ? reason : `${node}: ${reason}`);
    this.#kept.push({ node, reason, labels });
  }

  #contextOf(node: Node, asked: Set<number>): ChannelContext {
    const coupling = this.#coupling;
    const { graph, opset } = this.#model;
    const constantAt = (index: number): Value | null => {
      const value = node.input(index);
      return value?.constant ? value : null;
    };
    return {
      node,
      opset,
      channels: (index) => {
        asked.add(index);
        const value = node.input(index);
        return (value && this.#values.get(value)) ?? null;
      },
      shape: (index) => node.input(index)?.shape ?? null,
      outputShape: (index = 0) => node.outputs[index]?.shape ?? null,
      setting: (name, index): Setting => {
        const held = node.ints(name);
        if (held) return { kind: "known", values: held };
        const value = index < 0 ? null : node.input(index);
        if (!value) return { kind: "absent" };
        return value.constant ? { kind: "known", values: value.constant.toNumbers() } : { kind: "unknown" };
      },
      fresh: (count) => coupling.fresh(count),
      unite: (a, b) => coupling.uniteAll(a, b),
      give: (channels, output = 0) => {
        const value = node.outputs.at(output);
        const isWhole = value?.shape?.[channels.axis] === channels.labels.length;
        if (value && isWhole) this.#values.set(value, channels);
        else if (value) this.#keep(node.label, channels.labels, "shapes are not known");
      },
      keep: (channels, reason) => {
        if (channels) this.#keep(node.label, channels.labels, reason);
      },
      keepUnlessRewritten: (channels, rewritten, reason) => {
        this.#conditions.push({ node, channels, rewritten, reason });
      },
      keepLabels: (labels, reason) => this.#keep(node.label, labels, reason),
      parameter: (index, axis, labels, side) => {
        const value = constantAt(index);
        if (value?.constant?.dims[axis] !== labels.length) return false;
        this.#places.push({ node, side, parameter: value, axis, labels });
        return true;
      },
      onRemoval: (labels, edit) => this.#edits.push({ node, labels, edit }),
      set: (name, index, values) => {
        if (node.attributes.has(name)) node.attributes.set(name, attribute.ints(values));
        else replaceSetting(graph, node, index, values);
      },
    };
  }
}

function ruleOf(node: Node): ChannelRule | undefined {
  return node.isStandard
    ? (own(channelRules, node.opType) ?? (isElementwise(node) ? elementwiseRule : undefined))
    : undefined;
}

function replaceSetting(graph: Graph, node: Node, index: number, values: readonly number[]): void {
  const old = node.input(index);
  node.setInput(
    index,
    graph.addConstant(`${node.output.name}.setting`, Tensor.int64([values.length], values)),
  );
  if (old?.constant && old.uses.length === 0 && !graph.isOutput(old)) graph.removeConstant(old);
}
