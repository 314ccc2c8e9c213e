/**
 * Which running statistics move. A BatchNormalization is frozen when its scale and offset are, or when its statistics are
 * not chosen by name: it then normalises with the running statistics it has, and they stay as they are.
 */
import { type Model, operatorFacts, type Value } from "@cupel/onnx";

export interface Frozen {
  readonly trainable: (name: string) => boolean;
  /** Parameters that are not trained. */
  readonly frozen: ReadonlySet<Value>;
}

/** Running means and variances that each batch renews. */
export function movingStatistics(model: Model, { trainable, frozen }: Frozen): Set<Value> {
  const moving = new Set<Value>();
  for (const node of model.graph.nodes) {
    const { statistics, weights = [] } = operatorFacts(node);
    const held = (statistics ?? []).flatMap((index) => node.input(index) ?? []);
    const affine = weights.flatMap((index) => node.input(index) ?? []);
    const isFrozen =
      held.some(({ name }) => !trainable(name)) ||
      (affine.length > 0 && affine.every((value) => frozen.has(value)));
    if (!isFrozen) for (const value of held) if (value.constant) moving.add(value);
  }
  return moving;
}
