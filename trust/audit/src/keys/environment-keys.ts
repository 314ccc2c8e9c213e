/** Keys from an environment variable, for containers that are given their secrets so. Whoever reads the environment has them. */
import { own } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import type { KeyProvider } from "./key-provider.ts";
import { createLocalKeys } from "./local-keys.ts";

/** Rows as `createLocalKeys` takes them. @throws MASKING_KEY_INVALID */
export function openEnvironmentKeys(
  variable: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): KeyProvider {
  const text = own(environment, variable);
  if (text !== undefined) return createLocalKeys(`the environment variable ${variable}`, text);
  throw auditErrors.error(
    "MASKING_KEY_INVALID",
    `The environment variable ${variable} is not set. Set it to ID:KEY.`,
  );
}
