/** The failures of the command line itself; the work it starts has codes of its own. */
import { defineErrors } from "@cupel/base";

const usage = { http: 400, grpc: "INVALID_ARGUMENT", exit: 64 } as const;

export const cliErrors = defineErrors({
  COMMAND_UNKNOWN: { meaning: "There is no command of that name.", ...usage },
  OPTION_UNKNOWN: { meaning: "The command has no option of that name.", ...usage },
  OPTION_INVALID: { meaning: "The value of an option is missing or not one it takes.", ...usage },
  ARGUMENT_MISSING: { meaning: "The command needs an argument or option that was not given.", ...usage },
  ARGUMENT_UNEXPECTED: { meaning: "The command was given more arguments than it takes.", ...usage },
  OUTPUT_IS_INPUT: {
    meaning: "The output would replace the model it is made from, which the report compares it with.",
    ...usage,
  },
  FILE_UNREADABLE: {
    meaning: "A file named on the command line cannot be read.",
    http: 404,
    grpc: "NOT_FOUND",
    exit: 66,
  },
  LABELS_MISSING: {
    meaning: "The accuracy was asked for, but the images carry no labels.",
    ...usage,
  },
});
