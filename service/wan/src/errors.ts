/** The failures of emulating a link and of generating load: codes, what they mean, and how they are presented. */
import { defineErrors, failures } from "@cupel/base";

export const wanErrors = defineErrors({
  SCENARIO_INVALID: {
    meaning: "A scenario of links, or of load, does not have the form of one.",
    ...failures.badData,
  },
});

export type WanErrorCode = keyof typeof wanErrors.specs;
