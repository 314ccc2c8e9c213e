/** Secrets stand in no configuration: a setting names the environment variable or the file that holds one. */
import { own, readRegular, reasonOf } from "@cupel/base";
import { serveErrors } from "../../errors.ts";

/** @param reference `$ENV:NAME` or `$FILE:PATH`; one line break at the end of a file is not part of it. @throws CONFIG_INVALID */
export async function readSecret(
  reference: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string> {
  const [, kind, name = ""] = /^\$(ENV|FILE):(.+)$/.exec(reference) ?? [];
  if (kind === "ENV") {
    const value = own(environment, name);
    if (value !== undefined && value !== "") return value;
    throw missing(`The environment variable ${name} is not set. Set it to the secret.`);
  }
  try {
    return (await readRegular(name)).toString("utf8").replace(/\r?\n$/, "");
  } catch (thrown) {
    throw missing(`The secret in ${name} cannot be read: ${reasonOf(thrown)}.`, thrown);
  }
}

function missing(message: string, cause?: unknown) {
  return serveErrors.error("CONFIG_INVALID", message, { cause });
}
