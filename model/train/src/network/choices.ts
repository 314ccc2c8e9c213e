/** The check of options that are one of a few words: what comes from JSON or JavaScript has no types. */
import { trainErrors } from "../errors.ts";

/** @throws TRAINING_CONFIG_INVALID */
export function assertOneOf(option: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  throw trainErrors.error(
    "TRAINING_CONFIG_INVALID",
    `"${option}" must be one of ${choices.join(", ")}; it is "${value}".`,
    { details: { option, value } },
  );
}
