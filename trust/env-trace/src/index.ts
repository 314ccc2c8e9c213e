// First: it refuses a Node.js that is too old in a sentence, before a module here fails on one.
import "@cupel/base";

export { type EnvTraceErrorCode, envTraceErrors } from "./errors.ts";
