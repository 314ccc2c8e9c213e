/** The failures of the command line itself; the work it starts has codes of its own. */
import { defineErrors, failures } from "@cupel/base";

export const cliErrors = defineErrors({
  COMMAND_UNKNOWN: { meaning: "There is no command of that name.", ...failures.usage },
  OPTION_UNKNOWN: { meaning: "The command has no option of that name.", ...failures.usage },
  ARGUMENT_MISSING: {
    meaning: "The command needs an argument or option that was not given.",
    ...failures.usage,
  },
  ARGUMENT_UNEXPECTED: { meaning: "The command was given more arguments than it takes.", ...failures.usage },
  FILE_UNREADABLE: { meaning: "A file named on the command line cannot be read.", ...failures.notFound },
  LABELS_MISSING: {
    meaning: "The accuracy was asked for, but the images carry no labels.",
    ...failures.usage,
  },
  QUEUE_UNREACHABLE: {
    meaning: "No Redis or Valkey answers at the address of the queue.",
    ...failures.unavailable,
    exit: 69,
    retryable: true,
  },
  QUEUE_DENIED: {
    meaning: "The queue refuses the name or the password.",
    http: 403,
    grpc: "PERMISSION_DENIED",
    exit: 77,
    retryable: false,
    public: false,
  },
  QUEUE_WORKERS_DIFFER: {
    meaning: "There are workers, but of another version of cupel or in another shared folder.",
    http: 409,
    grpc: "FAILED_PRECONDITION",
    exit: 69,
    retryable: false,
    public: false,
  },
  QUEUE_INPUT_OUTSIDE: {
    meaning: "A file that workers read is not in the shared folder.",
    ...failures.usage,
    public: false,
  },
  QUEUE_INPUT_CHANGED: {
    meaning: "A file is not what it was when the job that reads it was submitted.",
    ...failures.badData,
    public: false,
  },
  QUEUE_RESULT_DAMAGED: {
    meaning: "A file that workers write in the shared folder is not what was written.",
    ...failures.badData,
    public: false,
  },
  QUEUE_JOB_CRASHED: {
    meaning: "The process that did a job ended by itself in the middle of it.",
    ...failures.unavailable,
  },
  QUEUE_JOBS_FAILED: {
    meaning: "Jobs failed, so that a model has no result; those of the others are written.",
    ...failures.defect,
    exit: 1,
  },
  SERVE_REFUSED: {
    meaning: "None of the processes that were to serve could start: a model was refused.",
    ...failures.unavailable,
    exit: 77,
  },
  SERVE_FAILED: {
    meaning: "None of the processes that were to serve could start.",
    ...failures.unavailable,
  },
});
