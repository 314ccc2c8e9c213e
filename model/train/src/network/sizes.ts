/** The check that all builders make of their options first. */
import { trainErrors } from "../errors.ts";

/**
 * By the name of the option: each MUST be an integer of at least 1.
 * @throws TRAINING_CONFIG_INVALID
 */
export function assertSizes(sizes: Readonly<Record<string, number>>): void {
  for (const [option, size] of Object.entries(sizes)) {
    if (Number.isSafeInteger(size) && size >= 1) continue;
    throw trainErrors.error(
      "TRAINING_CONFIG_INVALID",
      `"${option}" must be an integer of at least 1; it is ${size}.`,
      { details: { option, value: size } },
    );
  }
}
