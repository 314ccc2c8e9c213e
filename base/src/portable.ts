/**
 * What of base runs in a browser too: no file, no thread, no module of Node's. Packages with a browser's entry import from
 * here alone, `@cupel/base/portable`; the classes are the same that `@cupel/base` has.
 */
export {
  Breaker,
  type BreakerOptions,
  type BreakerState,
  type Outcome,
  type Settle,
} from "./breaker.ts";
export { type Clock, systemClock } from "./clock.ts";
export { elementCount } from "./element-count.ts";
export {
  CupelError,
  defineErrors,
  type ErrorSpec,
  failures,
  type GrpcStatus,
  reasonOf,
} from "./error.ts";
export { baseErrors } from "./errors.ts";
export { own } from "./own.ts";
