/** What is known of who does what: a file that is kept beside the lockfile, and what a trace has that it has not. */
import { reasonOf } from "@cupel/base";
import { envTraceErrors } from "../errors.ts";
import { nodeItself } from "../trace/preload/code-owner.ts";
import { accessId, type EnvAccess } from "./accesses.ts";

/** Package, kind and name of each fact, as `accessId` joins them. */
export type Baseline = ReadonlySet<string>;

export function baselineText(accesses: readonly EnvAccess[]): string {
  const lines = accesses.map(({ package: name, kind, key }) => JSON.stringify({ package: name, kind, key }));
  return `{\n  "version": 1,\n  "accesses": [\n${lines.map((line) => `    ${line}`).join(",\n")}\n  ]\n}\n`;
}

/** @param name of the file, for the message. @throws ENV_BASELINE_INVALID */
export function parseBaseline(text: string, name: string): Baseline {
  const refusal = (what: string, cause?: unknown) =>
    envTraceErrors.error(
      "ENV_BASELINE_INVALID",
      `The baseline ${name} is none: ${what}. Write it anew with --write-baseline.`,
      {
        cause,
      },
    );
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (thrown) {
    throw refusal(reasonOf(thrown), thrown);
  }
  if (typeof given !== "object" || given === null || !("version" in given) || given.version !== 1) {
    throw refusal("its version is not 1");
  }
  if (!("accesses" in given) || !Array.isArray(given.accesses)) throw refusal("it has no list of accesses");
  return new Set(
    given.accesses.map((each: unknown, i) => {
      if (!isFact(each)) throw refusal(`access ${i} has no package, kind and key`);
      return accessId(each);
    }),
  );
}

function isFact(value: unknown): value is Pick<EnvAccess, "package" | "kind" | "key"> {
  if (typeof value !== "object" || value === null) return false;
  const { package: name, kind, key } = Object.fromEntries(Object.entries(value));
  return typeof name === "string" && typeof kind === "string" && (typeof key === "string" || key === null);
}

/** What the baseline does not have. What package managers and Node.js do for themselves is not looked at. */
export function newSince(accesses: readonly EnvAccess[], baseline: Baseline): EnvAccess[] {
  return accesses.filter(
    (each) => each.class !== "tool" && each.package !== nodeItself.package && !baseline.has(accessId(each)),
  );
}
