/** What a model answered of an image, out of JSON that the page did not write. */

export interface ToldClass {
  readonly name: string;
  /** 0 to 1. */
  readonly score: number;
  readonly index: number;
}

/** Edges in pixels of the upright image. */
export interface ToldBox extends ToldClass {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Answer {
  readonly task: string;
  readonly model: string;
  readonly version: string;
  readonly width: number;
  readonly height: number;
  /** Null where the task has none. */
  readonly classes: readonly ToldClass[] | null;
  readonly boxes: readonly ToldBox[] | null;
  /** The share of each class. */
  readonly mask: readonly ToldClass[] | null;
  readonly text: { readonly text: string; readonly score: number } | null;
  readonly values: readonly number[] | null;
  /** PNG as base64. */
  readonly drawing: string | null;
}

/** Null where it is no answer of one image. */
export function readAnswer(value: unknown): Answer | null {
  const [first] = list(member(value, "answers")) ?? [];
  if (first === undefined) return null;
  const mask = list(member(member(first, "mask"), "classes"));
  const text = member(first, "text");
  const drawing = member(first, "drawing");
  const values = list(member(first, "values"));
  return {
    task: words(member(value, "task")),
    model: words(member(value, "model_name")),
    version: words(member(value, "model_version")),
    width: figure(member(first, "width")),
    height: figure(member(first, "height")),
    classes: list(member(first, "classes"))?.map(classOf) ?? null,
    boxes: list(member(first, "boxes"))?.map(boxOf) ?? null,
    mask: mask?.map(classOf) ?? null,
    text:
      text === undefined ? null : { text: words(member(text, "text")), score: figure(member(text, "score")) },
    values: values?.map(figure) ?? null,
    drawing: typeof drawing === "string" ? drawing : null,
  };
}

function classOf(value: unknown): ToldClass {
  const index = figure(member(value, "index"));
  const name = member(value, "name");
  return {
    index,
    name: typeof name === "string" ? name : `class ${index}`,
    score: figure(member(value, "score")),
  };
}

function boxOf(value: unknown): ToldBox {
  const edge = (name: string) => figure(member(value, name));
  return {
    ...classOf(value),
    left: edge("left"),
    top: edge("top"),
    right: edge("right"),
    bottom: edge("bottom"),
  };
}

export function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

function list(value: unknown): readonly unknown[] | null {
  return Array.isArray(value) ? value : null;
}

function words(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function figure(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}
