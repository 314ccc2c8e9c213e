/** How much a model may ask to be fed: what a stranger's model declares is allocated before anything else tells. */
import { elementCount } from "@cupel/base";
import { runtimeErrors } from "../errors.ts";

/**
 * Values of all inputs together, for one run of one image where the number is open: 1 GiB of float32, an image of
 * 9,459 x 9,459 pixels in colour. Whoever feeds tensors of their own to a session may feed more.
 */
export const inputValueLimit = 2 ** 28;

/** @param inputs what is no positive number among the sizes counts as 1. @throws INPUT_TOO_LARGE */
export function assertInputSizes(
  inputs: readonly { readonly name: string; readonly dims: readonly (number | string | null)[] }[],
): void {
  let values = 0;
  for (const { name, dims } of inputs) {
    values += elementCount(dims.map((dim) => (typeof dim === "number" && dim > 0 ? dim : 1)));
    if (values <= inputValueLimit) continue;
    throw runtimeErrors.error(
      "INPUT_TOO_LARGE",
      `The input "${name}" takes [${dims.map((dim) => dim ?? "?").join(", ")}]: with it a run takes ` +
        `${values.toLocaleString("en")} values, more than the ${inputValueLimit.toLocaleString("en")} that are fed. ` +
        "Export the model for smaller inputs.",
      { details: { name, values, limit: inputValueLimit } },
    );
  }
}
