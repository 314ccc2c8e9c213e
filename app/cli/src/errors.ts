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
