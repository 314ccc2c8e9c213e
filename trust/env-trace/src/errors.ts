/** The failures of tracing the environment: codes, what they mean, and how they are presented. */
import { defineErrors, failures } from "@cupel/base";

export const envTraceErrors = defineErrors({
  ENV_POLICY_INVALID: {
    meaning: "A policy of the environment, env-policy.json, does not have the form of one.",
    ...failures.badData,
  },
});

export type EnvTraceErrorCode = keyof typeof envTraceErrors.specs;
