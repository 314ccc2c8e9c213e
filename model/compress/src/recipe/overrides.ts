/** What a recipe says about single layers. A layer is called by the name of its node or of its weight. */
import { own, suggest } from "@cupel/base";
import { compressErrors } from "../errors.ts";
import { type Layer, layerName } from "../layer.ts";
import type { WeightBits } from "../weights/quantised-weights.ts";

type Override = WeightBits | "float";
type Overrides = Readonly<Record<string, Override>>;

export function overrideOf(layer: Layer, overrides: Overrides): Override | undefined {
  const name = namesOf(layer).find((each) => Object.hasOwn(overrides, each));
  return name === undefined ? undefined : own(overrides, name);
}

/** A name that fits no layer is a typing mistake. @throws RECIPE_INVALID */
export function assertOverridesKnown(layers: readonly Layer[], overrides: Overrides): void {
  const known = new Set(layers.flatMap(namesOf));
  const unknown = Object.keys(overrides).find((name) => !known.has(name));
  if (unknown === undefined) return;
  const near = suggest(unknown, [...known]);
  throw compressErrors.error(
    "RECIPE_INVALID",
    `"overrides" names "${unknown}", but the model has no such layer.${near === null ? "" : ` Did you mean "${near}"?`} Its layers: ${layers.map(layerName).join(", ")}.`,
    { details: { layer: unknown, suggestion: near } },
  );
}

function namesOf(layer: Layer): string[] {
  return [layerName(layer), layer.weight.name];
}
