/** The classes that a model tells apart: how many, and what they are called. */
import type { Model } from "@cupel/onnx";
import type { ImageSource } from "@cupel/vision";
import { classesFromMetadata, unlessOverridden } from "../file/metadata.ts";

export interface ModelClasses {
  /** Null when the model's output does not say. */
  readonly count: number | null;
  /** In the order of the scores; null when nobody names them. */
  readonly names: readonly string[] | null;
}

/**
 * As the graph and its metadata say. Names that are not as many as the classes name nothing and are left out.
 * @param otherwise names for a model whose metadata has none, or has what cannot be read
 * @param count that of its task. Default: of a row of class scores.
 * @throws METADATA_INVALID
 */
export function classesOf(
  model: Model,
  otherwise: readonly string[] | null = null,
  count = classCountOf(model.graph.outputs[0]?.shape ?? []),
): ModelClasses {
  const own = unlessOverridden("classes", otherwise !== null, () => classesFromMetadata(model.metadata));
  return fittingClasses(count, [own, otherwise]);
}

/** Named by the first list that has as many names as there are classes. */
export function fittingClasses(
  count: number | null,
  lists: readonly (readonly string[] | null | undefined)[],
): ModelClasses {
  return { count, names: lists.find((names) => names && fits(names, count)) ?? null };
}

/** The product of all but the first size; null where one is not a number. @param shape of the first output */
export function classCountOf(shape: readonly unknown[]): number | null {
  let count = 1;
  for (const size of shape.slice(1)) {
    if (typeof size !== "number") return null;
    count *= size;
  }
  return shape.length > 1 ? count : null;
}

/** The model's own names, else the first of the sources that has as many as the model has classes. */
export function namedBy({ count, names }: ModelClasses, sources: readonly ImageSource[]): ModelClasses {
  return {
    count,
    names:
      names ??
      fittingClasses(
        count,
        sources.map((source) => source.classes),
      ).names,
  };
}

function fits(names: readonly string[], count: number | null): boolean {
  return count === null || names.length === count;
}
