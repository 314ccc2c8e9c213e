/** The checks that the network builders make of their options: what comes from JSON or JavaScript has no types. */
import { trainErrors } from "../errors.ts";

/**
 * By the name of the option: each MUST be an integer of at least 1.
 * @throws TRAINING_CONFIG_INVALID
 */
export function assertSizes(sizes: Readonly<Record<string, number>>): void {
  for (const [option, size] of Object.entries(sizes)) {
    if (!(Number.isSafeInteger(size) && size >= 1)) throw invalid(option, "an integer of at least 1", size);
  }
}

/** @throws TRAINING_CONFIG_INVALID */
export function assertOneOf(option: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) throw invalid(option, `one of ${choices.join(", ")}`, `"${value}"`, value);
}

function invalid(option: string, expects: string, given: string | number, value: string | number = given) {
  return trainErrors.error("TRAINING_CONFIG_INVALID", `"${option}" must be ${expects}; it is ${given}.`, {
    details: { option, value },
  });
}
