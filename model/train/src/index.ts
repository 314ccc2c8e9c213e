export { type DifferentiateOptions, differentiate, gradientName } from "./differentiate.ts";
export { trainErrors } from "./errors.ts";
