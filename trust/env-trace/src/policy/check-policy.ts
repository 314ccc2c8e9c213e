/** From the text of env-policy.json to a policy, or to an error that says what is wrong with it. */
import { readRegular, reasonOf } from "@cupel/base";
import { envTraceErrors } from "../errors.ts";
import {
  type DeniedRead,
  type EnvPolicy,
  openPolicy,
  type PolicyMode,
  type PolicyRow,
} from "./env-policy.ts";

const modes: readonly PolicyMode[] = ["report", "warn", "deny"];
const deniedReads: readonly DeniedRead[] = ["undefined", "throw"];
const rights = ["read", "write", "children"] as const;

/** @throws ENV_POLICY_INVALID, also where the file cannot be read */
export async function readPolicy(path: string): Promise<EnvPolicy> {
  let text: string;
  try {
    text = (await readRegular(path)).toString("utf8");
  } catch (thrown) {
    throw refusal(`${path} cannot be read: ${reasonOf(thrown)}`, thrown);
  }
  return parsePolicy(text, path);
}

/** @param name of the file, for the message. @throws ENV_POLICY_INVALID */
export function parsePolicy(text: string, name = "env-policy.json"): EnvPolicy {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (thrown) {
    throw refusal(`${name} is no JSON: ${reasonOf(thrown)}`, thrown);
  }
  return policyFrom(given, name);
}

function policyFrom(given: unknown, at: string): EnvPolicy {
  const members = membersOf(given, at, ["version", "mode", "denied", "secrets", "packages"]);
  if (members.get("version") !== 1) throw refusal(`"version" of ${at} must be 1`);
  const packages = members.get("packages");
  return {
    mode: oneOf(modes, members.get("mode") ?? openPolicy.mode, `"mode" of ${at}`),
    denied: oneOf(deniedReads, members.get("denied") ?? openPolicy.denied, `"denied" of ${at}`),
    secrets: namesFrom(members.get("secrets") ?? [], `"secrets" of ${at}`),
    packages: packages === undefined ? null : rowsFrom(packages, `"packages" of ${at}`),
  };
}

function rowsFrom(given: unknown, at: string): ReadonlyMap<string, PolicyRow> {
  return new Map(
    [...membersOf(given, at, null)].map(([name, row]) => {
      const where = `"${name}" in ${at}`;
      if (name === "") throw refusal(`a package in ${at} has no name`);
      const members = membersOf(row, where, rights);
      const names = (right: (typeof rights)[number]) =>
        namesFrom(members.get(right) ?? [], `"${right}" of ${where}`);
      return [name, { read: names("read"), write: names("write"), children: names("children") }] as const;
    }),
  );
}

function namesFrom(given: unknown, at: string): readonly string[] {
  if (!Array.isArray(given)) throw refusal(`${at} must be a list of names`);
  return given.map((each: unknown) => {
    if (typeof each !== "string" || each === "" || /[=\0]/.test(each)) {
      throw refusal(`${at} has ${JSON.stringify(each)}, which is no name of a variable`);
    }
    return each;
  });
}

function oneOf<T extends string>(known: readonly T[], given: unknown, at: string): T {
  const found = known.find((each) => each === given);
  if (found !== undefined) return found;
  throw refusal(`${at} must be one of ${known.join(", ")}, not ${JSON.stringify(given)}`);
}

/** @param known null where any name is one */
function membersOf(
  given: unknown,
  at: string,
  known: readonly string[] | null,
): ReadonlyMap<string, unknown> {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw refusal(`${at} must be an object`);
  }
  const members = new Map<string, unknown>(Object.entries(given));
  for (const name of members.keys()) {
    if (known?.includes(name) === false) {
      throw refusal(`${at} has "${name}", which is none of ${known.join(", ")}`);
    }
  }
  return members;
}

function refusal(what: string, cause?: unknown) {
  return envTraceErrors.error(
    "ENV_POLICY_INVALID",
    `The policy of the environment is none: ${what}. Mend it; docs/env-trace.md shows the form.`,
    { cause },
  );
}
