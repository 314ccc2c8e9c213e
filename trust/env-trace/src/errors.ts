/** The failures of tracing the environment: codes, what they mean, and how they are presented. */
import { defineErrors, failures } from "@cupel/base";

export const envTraceErrors = defineErrors({
  ENV_POLICY_INVALID: {
    meaning: "A policy of the environment, env-policy.json, does not have the form of one.",
    ...failures.badData,
  },
  ENV_BASELINE_INVALID: {
    meaning: "A baseline of who reads the environment is not one that a trace wrote.",
    ...failures.badData,
  },
  TRACE_UNREADABLE: {
    meaning: "The folder of a trace cannot be read.",
    ...failures.noInput,
  },
  TRACED_PROGRAM_NOT_STARTED: {
    meaning: "The program that was to be traced could not be started.",
    ...failures.noInput,
  },
  TRACED_PROGRAM_FAILED: {
    meaning: "The traced program ended with a status of its own, which is passed on, or by a signal.",
    ...failures.defect,
    exit: 1,
    public: false,
  },
  ENV_ACCESS_NEW: {
    meaning: "A package did to the environment what the baseline does not have.",
    ...failures.badData,
    exit: 3,
    public: false,
  },
  ENV_ACCESS_UNLISTED: {
    meaning:
      "A package did to the environment what the policy does not list; in mode deny it was kept from it.",
    ...failures.badData,
    exit: 3,
    public: false,
  },
});

export type EnvTraceErrorCode = keyof typeof envTraceErrors.specs;
