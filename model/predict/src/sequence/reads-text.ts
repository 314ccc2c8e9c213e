/** Whether a model reads text: scores of characters at each step along the image, told by its metadata or its graph. */
import type { Model } from "@cupel/onnx";
import type { ValueInfo } from "@cupel/runtime";
import { imageDimsOf } from "../input/image-input.ts";
import { areNames } from "../written/output-numbers.ts";
import { charactersFromMetadata, charactersOf } from "./characters.ts";

/** An output as the engine or a graph declares it. */
export interface DeclaredOutput {
  readonly dims: readonly unknown[];
  readonly type: ValueInfo["type"];
}

/** Scores of fewer classes, in a row along the width, may be anything. */
const leastClasses = 11;

export const readsText = (output: DeclaredOutput, model: Model): boolean =>
  areSteps(output) && (isNamed(output, model) || isAlongWidth(output, model));

export function areSteps(output: DeclaredOutput): boolean {
  return output.dims.length === 3 && !areNames(output);
}

/** Detectors have the names of their classes in the same place, and rows of scores: those are words. */
function isNamed({ dims }: DeclaredOutput, model: Model): boolean {
  const list = charactersFromMetadata(model);
  const count = dims[2];
  if (list === null || typeof count !== "number" || charactersOf(list, count) === null) return false;
  return 2 * list.filter(isOneCharacter).length > list.length;
}

/** As a person counts them. An empty line is the blank, or a character that ends lines. */
const isOneCharacter = (symbol: string): boolean => [...graphemes.segment(symbol)].length <= 1;
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Probabilities of many classes, at more steps the wider the image is. */
function isAlongWidth({ dims: [, steps, classes] }: DeclaredOutput, model: Model): boolean {
  const [, , , width] = imageDimsOf(model);
  const isOpen = typeof steps !== "number" && typeof width !== "number";
  return isOpen && typeof classes === "number" && classes >= leastClasses && endsInSoftmaxOfSteps(model);
}

const passesThrough = ["Identity", "Cast", "QuantizeLinear", "DequantizeLinear"] as const;

/** Over the last axis: over another one the values are weights, as those of an attention. */
function endsInSoftmaxOfSteps({ graph, opsets }: Model): boolean {
  let last = graph.outputs[0]?.producer ?? null;
  while (last?.is(...passesThrough)) last = last.inputs[0]?.producer ?? null;
  if (!last?.is("Softmax")) return false;
  const axis = last.int("axis", (opsets.get("") ?? 0) >= 13 ? -1 : 1);
  return axis === -1 || axis === 2;
}
