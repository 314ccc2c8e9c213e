/**
 * What ultralytics' export writes into a model (https://docs.ultralytics.com/modes/export): the task, the size of
 * the input and the names of the classes, as the text of Python values. Its letter-box and its scale are not
 * written there: they are those that its own `predict` uses for every model of a task.
 */
import { CHANNELS, type Preprocessing, type Size } from "@cupel/vision";
import { parse } from "yaml";

export interface UltralyticsMetadata {
  /** Such as detect, segment, pose, obb, classify. */
  readonly task: string;
  /** Of the input; null where it is not written. */
  readonly size: Size | null;
  /** In the order of the scores; null where there are none, or not one for each class, or no more than the indices. */
  readonly names: readonly string[] | null;
  /** How many classes there are, named or not; null where it is not written. */
  readonly classes: number | null;
  /** Whether the model itself leaves out overlapping boxes. */
  readonly suppressed: boolean;
}

/** Null for a model that ultralytics did not write. */
export function ultralyticsMetadata(metadata: ReadonlyMap<string, string>): UltralyticsMetadata | null {
  const task = metadata.get("task");
  if (task === undefined || !metadata.has("stride") || !metadata.has("names")) return null;
  const args = entriesOf(valueAt(metadata, "args"));
  const names = namesOf(valueAt(metadata, "names"));
  return {
    task,
    size: sizeOf(valueAt(metadata, "imgsz")),
    names: unlessIndices(names),
    classes: names?.length ?? null,
    suppressed: /^true$/i.test(metadata.get("end2end") ?? "") || isTrue(args.get("nms")),
  };
}

/**
 * As ultralytics' `predict` prepares images for the task.
 * @param fallback of the input, where the metadata does not say it.
 */
export function ultralyticsPreprocessing(
  { task, size }: UltralyticsMetadata,
  fallback: Pick<Preprocessing, "width" | "height" | "colour" | "layout">,
): Preprocessing {
  const { width, height } = size ?? fallback;
  const { colour, layout } = fallback;
  const each = (value: number) => Array.from({ length: CHANNELS[colour] }, () => value);
  const values = {
    colour,
    layout,
    scale: 1 / 255,
    mean: each(0),
    std: each(1),
  };
  if (task === "classify") {
    return {
      width,
      height,
      resize: { kind: "short-side", size: Math.min(width, height) },
      interpolation: "bilinear",
      ...values,
    };
  }
  return {
    width,
    height,
    resize: { kind: "letter-box" },
    pad: { value: 114, side: "both" },
    interpolation: "linear",
    ...values,
  };
}

/** A dictionary or list that Python prints is YAML, but for quotes inside names that have both kinds. */
function valueAt(metadata: ReadonlyMap<string, string>, key: string): unknown {
  try {
    return parse(metadata.get(key) ?? "null", { logLevel: "silent", maxAliasCount: 0 });
  } catch {
    // Another program may use the same keys: what is not of this form says nothing.
    return null;
  }
}

function entriesOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}

function isTrue(value: unknown): boolean {
  return value === true || value === "True";
}

function sizeOf(value: unknown): Size | null {
  if (!Array.isArray(value)) return null;
  const [height, width = height]: unknown[] = value;
  const isSide = (side: unknown): side is number => Number.isInteger(side) && Number(side) > 0;
  return isSide(width) && isSide(height) ? { width, height } : null;
}

/** `{0: 'person', 1: 'car'}` or `['person', 'car']`; null unless there is one for each of 0, 1, 2, ... */
export function namesOf(value: unknown): readonly string[] | null {
  const entries = Array.isArray(value) ? new Map(value.map((name, i) => [`${i}`, name])) : entriesOf(value);
  if (entries.size === 0) return null;
  const names = Array.from({ length: entries.size }, (_, i) => entries.get(`${i}`));
  const isName = (name: unknown) => typeof name === "string" || typeof name === "number";
  return names.every(isName) ? names.map(String) : null;
}

/** A model that was built without names is written with its indices as names; the images may have better ones. */
function unlessIndices(names: readonly string[] | null): readonly string[] | null {
  return names?.every((name, index) => name === `${index}`) ? null : names;
}
