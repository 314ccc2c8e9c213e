/** Errors between threads and processes: classes do not survive the way, so they travel as data. */
import { baseErrors, CupelError, toCupelError } from "@cupel/base";
import { runtimeErrors } from "../errors.ts";

export interface PostedError {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export function postError(thrown: unknown): PostedError {
  return toCupelError(thrown).toJSON();
}

export function reviveError({ code, message, details }: PostedError): CupelError {
  const specs: Readonly<Record<string, CupelError["spec"]>> = { ...baseErrors.specs, ...runtimeErrors.specs };
  return new CupelError(code, specs[code] ?? baseErrors.specs.INTERNAL, message, { details });
}
