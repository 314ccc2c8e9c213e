/** Images with what was seen in them, written into a folder: each under its own path with .png behind it. */
import { join } from "node:path";
import { writeFileAtomically } from "@cupel/base";
import type { ImageSource } from "@cupel/vision";
import { invalid, text } from "../arguments/option.ts";
import type { PredictedImage } from "./prediction-forms.ts";

export const drawOption = text({
  name: "draw",
  placeholder: "DIR",
  summary:
    "Write every image with its boxes, classes and scores, or the class of each pixel, drawn into it as PNG",
});

/** Of images outside the source's folder, the parts that lead out are left out. */
function placeOf(folder: string, id: string): string {
  const parts = id.split(/[\\/:]+/).filter((part) => part !== "" && part !== "." && part !== "..");
  return `${join(folder, ...parts)}.png`;
}

/** @throws OPTION_INVALID for a task whose predictions cannot be drawn, IMAGES_UNREADABLE */
export async function writeDrawing(
  folder: string,
  source: ImageSource,
  { drawn, index }: Pick<PredictedImage, "drawn" | "index">,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (drawn === undefined)
    throw invalid("draw", "draws boxes and maps of classes: the model's task has none");
  const path = placeOf(folder, source.id(index));
  const bytes = await drawn(await source.image(index));
  await writeFileAtomically(path, [bytes], { signal });
}
