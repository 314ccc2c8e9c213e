export { writeFileAtomically } from "./atomic-file.ts";
export { type Clock, systemClock } from "./clock.ts";
export {
  CupelError,
  type CupelErrorOptions,
  defineErrors,
  type ErrorRegistry,
  type ErrorSpec,
  type GrpcStatus,
  reasonOf,
} from "./error.ts";
export { baseErrors, throwIfCancelled, toCupelError } from "./errors.ts";
export { type LogFields, type Logger, silentLogger } from "./logger.ts";
export { type Progress, type ProgressTask, silentProgress, type WorkOptions } from "./progress.ts";
export { createRandom, type Random } from "./random.ts";
