/** `cupel env trace -- PROGRAM`: which package reads, sets and hands on which variable while a program runs. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CupelError, openTemporaryFolder, reasonOf, writeFileAtomically } from "@cupel/base";
import {
  accessesOf,
  baselineText,
  collectObservations,
  type EnvAccess,
  envTraceErrors,
  newSince,
  openPolicy,
  parseBaseline,
  prepareTrace,
  readPolicy,
  sarifOf,
} from "@cupel/env-trace";
import { globals } from "../../arguments/global-options.ts";
import { text } from "../../arguments/option.ts";
import { accessText } from "../../env/access-table.ts";
import { runTraced, type TracedEnd } from "../../env/run-traced.ts";
import { cliErrors } from "../../errors.ts";
import { numberOf } from "../../terminal/figures.ts";
import { cupelVersion } from "../../version.ts";
import type { Command } from "../command.ts";

const policyOption = text({
  name: "policy",
  placeholder: "FILE",
  summary: "What each package may: env-policy.json, see docs/env-trace.md",
  fallback: "all is written down, and nothing held against anyone",
});
const baselineOption = text({
  name: "baseline",
  placeholder: "FILE",
  summary: "What is known: what is not in it is new, and the exit status is 3",
});
const writeBaselineOption = text({
  name: "write-baseline",
  placeholder: "FILE",
  summary: "Write what was seen as the baseline of later traces",
});
const sarifOption = text({
  name: "sarif",
  placeholder: "FILE",
  summary: "Write what is new or not listed as SARIF 2.1.0",
});
const observationsOption = text({
  name: "observations",
  placeholder: "FOLDER",
  summary: "Keep what each process wrote, one JSON a line",
  fallback: "a temporary folder",
});

export const envTraceCommand: Command = {
  description:
    "The program runs as it would, with all Node.js processes and threads that it starts. Never is a value written down. Of each access the package is " +
    "told whose code did it, and the first other that called it. With a policy in mode deny, what it does not list is as if it were not set, and children get only " +
    "what it lists. The exit status is the program's own where it is not 0; else 3 where something is new or not listed; else 0. What a trace cannot see is in docs/env-trace.md. With --json the program prints on standard error.",
  operands: [
    {
      name: "PROGRAM",
      summary: "What to run, with its own words after it. Write -- before it",
      takesRest: true,
    },
  ],
  options: [policyOption, baselineOption, writeBaselineOption, sarifOption, observationsOption],
  examples: [
    { line: "cupel env trace -- npm test", says: "who reads what in the tests" },
    {
      line: "cupel env trace --write-baseline env-baseline.json -- npm ci",
      says: "what is known to happen at an install",
    },
    {
      line: "cupel env trace --baseline env-baseline.json --sarif env.sarif -- npm ci",
      says: "in CI: 3 where a package does what it did not",
    },
    {
      line: "cupel env trace --policy env-policy.json -- node server.js",
      says: "a server that is kept to its list",
    },
  ],
  async run(given, { signal }) {
    const policyFile = given.get(policyOption);
    const baselineFile = given.get(baselineOption);
    const policy = policyFile === undefined ? openPolicy : await readPolicy(policyFile);
    const baseline =
      baselineFile === undefined ? null : parseBaseline(await readText(baselineFile), baselineFile);
    await using temporary = await openTemporaryFolder("env-trace");
    const folder = given.get(observationsOption) ?? join(temporary.path, "observations");
    const trace = await prepareTrace({ folder: resolve(folder), policy });
    const end = await runTraced(given.operands, trace, { signal, areResultsOwn: !given.get(globals.json) });
    const { observations, broken } = await collectObservations(trace.folder);
    const accesses = accessesOf(observations, policy);
    const fresh = baseline === null ? null : newSince(accesses, baseline);
    const unlisted = accesses.filter(({ isListed }) => !isListed);
    const target = given.get(writeBaselineOption);
    if (target !== undefined) await writeFileAtomically(target, baselineText(accesses));
    const sarif = given.get(sarifOption);
    if (sarif !== undefined) {
      const isNew = (access: EnvAccess) => fresh?.includes(access) ?? false;
      const log = sarifOf(accesses, { root: trace.root, version: cupelVersion(), isNew });
      await writeFileAtomically(sarif, `${JSON.stringify(log, null, 2)}\n`);
    }
    return {
      json: { program: given.operands, ...end, accesses, new: fresh, unlisted, broken },
      text: accessText(accesses, { fresh, unlisted }),
      failure: failureOf(given.operands[0]!, end, { fresh: fresh ?? [], unlisted }),
    };
  },
};

interface Findings {
  readonly fresh: readonly EnvAccess[];
  readonly unlisted: readonly EnvAccess[];
}

/** The program's own end first: whoever wraps a command in this expects its status. */
function failureOf(
  program: string,
  { status, signal }: TracedEnd,
  { fresh, unlisted }: Findings,
): CupelError | null {
  if (status !== 0) {
    const how = signal === null ? `status ${status}` : `signal ${signal}`;
    const { spec, code, message, details } = envTraceErrors.error(
      "TRACED_PROGRAM_FAILED",
      `${program} ended with ${how}.`,
      {
        details: { status, signal },
      },
    );
    return new CupelError(code, { ...spec, exit: status ?? spec.exit }, message, { details });
  }
  if (unlisted.length > 0) {
    return envTraceErrors.error(
      "ENV_ACCESS_UNLISTED",
      `The policy does not list ${numberOf(unlisted.length, "fact")} of ${packagesText(unlisted)}.`,
    );
  }
  if (fresh.length === 0) return null;
  return envTraceErrors.error(
    "ENV_ACCESS_NEW",
    `The baseline does not have ${numberOf(fresh.length, "fact")} of ${packagesText(fresh)}. Where they are right, write it anew with --write-baseline.`,
  );
}

function packagesText(accesses: readonly EnvAccess[]): string {
  return [...new Set(accesses.map((each) => each.package))].join(", ");
}

/** @throws FILE_UNREADABLE */
async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    throw cliErrors.error("FILE_UNREADABLE", `Cannot read the baseline in ${path}: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { file: path },
    });
  }
}
