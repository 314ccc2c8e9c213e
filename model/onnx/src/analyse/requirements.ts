/** What a command may ask of a model beyond validity, each with an error of its own. */
import { onnxErrors } from "../errors.ts";
import { type Model, newestOpset } from "../graph/index.ts";

/** Operator set 7 brought numpy broadcasting: older graphs mean something else by the same nodes. */
export const oldestOpset = 7;

/**
 * @param min oldest operator set accepted. Default 7.
 * @throws OPSET_UNSUPPORTED
 */
export function assertOpset(model: Model, min: number = oldestOpset): void {
  const { opset } = model;
  if (opset >= min) return;
  throw onnxErrors.error(
    "OPSET_UNSUPPORTED",
    `The model ${opset === 0 ? "names no standard operator set" : `uses operator set ${opset}`}; ` +
      `${min} to ${newestOpset} are supported here. Export it again with a newer one, or convert it ` +
      "(onnx.version_converter).",
    { details: { opset, min } },
  );
}

/**
 * Every tensor the model takes says how many dimensions it has; their sizes may be unknown.
 * @throws RANK_UNKNOWN
 */
export function assertStaticRank(model: Model): void {
  const unknown = model.graph.inputs.find((input) => input.type?.kind !== "opaque" && input.shape === null);
  if (!unknown) return;
  throw onnxErrors.error(
    "RANK_UNKNOWN",
    `The input "${unknown.name}" does not say how many dimensions it has. ` +
      "Export the model with a shape for it; sizes that vary may be symbolic, such as [N, 3, 224, 224].",
    { details: { value: unknown.name } },
  );
}
