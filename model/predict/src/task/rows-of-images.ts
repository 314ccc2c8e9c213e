/** Whether the first dimension of an output is that of the images, not of boxes or points found in them. */
import type { Model } from "@cupel/onnx";
import { imageDimsOf } from "../input/image-input.ts";

/** How many they make follows from what they see. */
const findsAnyNumber = ["NonMaxSuppression", "NonZero", "Compress", "Unique"] as const;

/** True where nothing speaks against it: exporters name an open size of the output as they please. */
export function hasRowsOfImages(dims: readonly unknown[], model: Model | null): boolean {
  const first = dims[0];
  const [batch] = imageDimsOf(model);
  if (model === null || batch === undefined) return true;
  if (typeof first === "number") return typeof batch === "number" ? first === batch : first === 1;
  if (typeof batch === "number") return first === "" || first === null;
  return first === batch || ![...model.graph.nodes].some((node) => node.is(...findsAnyNumber));
}
