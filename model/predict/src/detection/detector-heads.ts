/** Every head that is known, and which of them a model has. */
import type { Size } from "@cupel/vision";
import { classesFromMetadata, unlessOverridden } from "../file/metadata.ts";
import { ultralyticsMetadata } from "../file/ultralytics-metadata.ts";
import { imageDimsOf } from "../input/image-input.ts";
import type { TaskModel } from "../task/task.ts";
import type { Head, HeadModel, HeadReader } from "./head.ts";
import { rowHeads } from "./row-heads.ts";
import { separateHeads } from "./separate-heads.ts";

/** Asked in this order. */
const heads: readonly Head[] = [...separateHeads, ...rowHeads];

/**
 * Of the first that recognises the outputs; null where none does.
 * @param names of the classes, where the caller has them. @param size of the tensor, where the input leaves it open.
 */
export function recognisedHead(
  { outputs, model }: Pick<TaskModel, "outputs" | "model">,
  names: readonly string[] | null = null,
  size: Size | null = null,
): HeadReader | null {
  const ultralytics = model && ultralyticsMetadata(model.metadata);
  // Names that cannot be read are told of by whoever needs names.
  const own = model && unlessOverridden("classes", true, () => classesFromMetadata(model.metadata));
  const head: HeadModel = {
    outputs,
    classes: own?.length ?? ultralytics?.classes ?? names?.length ?? null,
    tensor: sizeOfInput(model) ?? ultralytics?.size ?? size,
    model,
    ultralytics,
  };
  for (const { recognise } of heads) {
    const reader = recognise(head);
    if (reader !== null) return reader;
  }
  return null;
}

function sizeOfInput(model: TaskModel["model"]): HeadModel["tensor"] {
  const dims = imageDimsOf(model);
  const [height, width] = dims[3] === 3 || dims[3] === 1 ? dims.slice(1) : dims.slice(2);
  return typeof height === "number" && typeof width === "number" && height > 0 && width > 0
    ? { width, height }
    : null;
}
