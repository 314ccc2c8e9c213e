/** A share of images, or of parts of them, for which two models say the same, as a figure. */
import type { Proportion } from "@cupel/base";
import type { TaskFigure } from "./task.ts";

/** @param things that were compared: "images". */
export function agreementFigure(
  name: string,
  { value, low, high, of }: Proportion,
  things = "images",
): TaskFigure {
  return { name, unit: "share", value, interval: { low, high }, of: `${of} ${things}` };
}
