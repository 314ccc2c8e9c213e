/** The failures of tracing the environment: codes, what they mean, and how they are presented. */
import { defineErrors, failures } from "@cupel/base";

/** Data of a file whose path the message has. */
const badFile = { ...failures.badData, public: false } as const;

export const envTraceErrors = defineErrors({
  ENV_POLICY_INVALID: {
    meaning: "A policy of the environment, env-policy.json, does not have the form of one.",
    ...failures.badData,
  },
  ENV_BASELINE_INVALID: {
    meaning: "A baseline of who reads the environment is not one that a trace wrote.",
    ...failures.badData,
  },
  ENV_LOCKFILE_INVALID: {
    meaning: "A lockfile is not a package-lock.json that npm wrote from version 7 on.",
    ...badFile,
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
  ENV_PACKAGE_NEW: {
    meaning:
      "A package that the older lockfile does not have as it is did something with a tagged name, or saw all names.",
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
  ENV_SOURCE_INVALID: {
    meaning: "A file that sets variables cannot be read as what it is; the message has the line.",
    ...badFile,
  },
  ENV_SOURCE_UNKNOWN: {
    meaning: "What kind of source of variables a file is was not said and does not follow from its name.",
    ...failures.usage,
    public: false,
  },
  ENV_SOURCE_UNREADABLE: {
    meaning: "A file that sets variables is not there or cannot be opened.",
    ...failures.notFound,
  },
  ENV_SOURCE_TOO_LARGE: {
    meaning: "A file that sets variables is larger than is read.",
    ...badFile,
  },
  ENV_SOURCE_ENCODING: {
    meaning: "A file from Windows is neither UTF-8 nor UTF-16, and its code page was not said.",
    ...badFile,
  },
  ENV_PROCESS_GONE: {
    meaning: "The process whose environment was to be read has ended, or there never was one.",
    ...failures.notFound,
  },
  ENV_PROCESS_DENIED: {
    meaning: "The environment of the process may not be read by this user.",
    ...failures.usage,
    http: 403,
    grpc: "PERMISSION_DENIED",
    exit: 77,
    public: false,
  },
  ENV_KEY_INVALID: {
    meaning: "The key that values are hashed under is not 32 bytes.",
    ...badFile,
  },
  ENV_KEYS_DIFFER: {
    meaning: "Two snapshots were taken under different keys: their values cannot be compared.",
    ...failures.usage,
  },
  ENV_SNAPSHOT_INVALID: {
    meaning: "A file is no snapshot of an environment, or was damaged.",
    ...badFile,
  },
  ENV_SNAPSHOT_NEWER: {
    meaning: "A snapshot was written by a later version of Cupel, in a form that this one does not know.",
    ...badFile,
  },
  ENV_SCOPE_UNKNOWN: {
    meaning:
      "A snapshot has no environment of the name that was asked for, or has several and none was named.",
    ...failures.usage,
  },
  ENV_CHANGED: {
    meaning: "Two environments that were compared are not the same.",
    ...failures.badData,
    exit: 3,
  },
  ENV_LOG_INVALID: {
    meaning: "A file is no log of processes that is known here, or nothing in it could be read.",
    ...badFile,
  },
  ENV_LOG_TOO_LARGE: {
    meaning: "A line or event of a log of processes is longer than any system writes.",
    ...badFile,
  },
  ENV_WEBHOOK_FAILED: {
    meaning: "An alert could not be delivered to a webhook, after several attempts.",
    ...failures.unavailable,
    retryable: true,
  },
});

export type EnvTraceErrorCode = keyof typeof envTraceErrors.specs;
