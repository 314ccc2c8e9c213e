/** What a rule for an operator is asked, and what it may say: how channels pass through one node. */
import type { Node, Shape } from "@cupel/onnx";
import type { Channels } from "./channel-map.ts";
import type { Labels } from "./coupling.ts";

/** What is left once channels are removed. */
export interface Remains {
  /** The places whose channels stay, in order. */
  places(labels: Labels): number[];
}

/** A list that may stand in an attribute or in a constant. */
export type Setting =
  | { readonly kind: "absent" }
  | { readonly kind: "unknown" }
  | { readonly kind: "known"; readonly values: readonly number[] };

export type Side =
  /** Makes the channels anew, as a layer does. */
  | "makes"
  /** Sums over the channels, as the next layer does. */
  | "reads"
  /** Holds something for each channel that passes, as BatchNormalization does. */
  | "holds";

/**
 * A rule MUST say of the channels of every input what becomes of them: given to an output, read by a parameter, or kept.
 * Those of inputs that it does not ask for are kept.
 */
export interface ChannelContext {
  readonly node: Node;
  readonly opset: number;
  /** Those of an input; null where nothing is known to be removable. */
  channels(index: number): Channels | null;
  /** Of an input; null when it is absent or unknown. */
  shape(index: number): Shape;
  outputShape(index?: number): Shape;
  setting(attribute: string, index: number): Setting;
  fresh(count: number): Labels;
  unite(a: Labels, b: Labels): void;
  /** What the output has. */
  give(channels: Channels, output?: number): void;
  /** These channels stay, because of this node. */
  keep(channels: Channels | null, reason: string): void;
  /** They stay, unless another node has an edit that is due whenever one of them goes. */
  keepUnlessRewritten(channels: Channels, node: Node, reason: string): void;
  keepLabels(labels: Labels, reason: string): void;
  /** A constant input has these channels along an axis. @returns false where it is no constant of that size */
  parameter(index: number, axis: number, labels: Labels, side: Side): boolean;
  /** What else of the node has to change where some of these channels go. */
  onRemoval(labels: Labels, edit: (remains: Remains) => void): void;
  /** Replaces a setting. */
  set(attribute: string, index: number, values: readonly number[]): void;
}

export type ChannelRule = (context: ChannelContext) => void;
export type ChannelRules = Readonly<Record<string, ChannelRule>>;
