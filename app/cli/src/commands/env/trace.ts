/** `cupel env trace -- PROGRAM`: which package reads, sets and hands on which variable while a program runs. */
import { join, resolve } from "node:path";
import { assertWritable, CupelError, openTemporaryFolder, writeFileAtomically } from "@cupel/base";
import { renderEnvTrace } from "@cupel/console";
import {
  accessesOf,
  baselineText,
  collectObservations,
  type EnvAccess,
  envTraceErrors,
  isGrave,
  newSince,
  newSinceLockfile,
  openPolicy,
  parseBaseline,
  parseLockfile,
  prepareTrace,
  readPolicy,
  sarifOf,
  shownProgram,
} from "@cupel/env-trace";
import { globals } from "../../arguments/global-options.ts";
import { text } from "../../arguments/option.ts";
import { accessText } from "../../env/access-table.ts";
import { presentLockfile, readKept } from "../../env/kept-files.ts";
import { runTraced, type TracedEnd } from "../../env/run-traced.ts";
import { tracePage } from "../../env/trace-page.ts";
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
const lockfileOption = text({
  name: "lockfile-before",
  placeholder: "FILE",
  summary:
    "An older package-lock.json: what packages do that it does not have as they are now is marked, and the exit status is 3 where it is about a tagged name or all names, unless --baseline has it",
});
const sarifOption = text({
  name: "sarif",
  placeholder: "FILE",
  summary: "Write what is new or not listed as SARIF 2.1.0",
});
const reportOption = text({
  name: "report",
  placeholder: "FILE",
  summary: "Where a page for the browser goes: packages and names as a matrix, and each access",
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
  options: [
    policyOption,
    baselineOption,
    writeBaselineOption,
    lockfileOption,
    sarifOption,
    reportOption,
    observationsOption,
  ],
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
      line: "cupel env trace --lockfile-before before.json --report trace.html -- npm test",
      says: "what packages do that an update brought, as a page",
    },
    {
      line: "cupel env trace --policy env-policy.json -- node server.js",
      says: "a server that is kept to its list",
    },
  ],
  async run(given, { signal, clock, remark }) {
    const policyFile = given.get(policyOption);
    const baselineFile = given.get(baselineOption);
    const lockfileFile = given.get(lockfileOption);
    const policy = policyFile === undefined ? openPolicy : await readPolicy(policyFile);
    const baseline =
      baselineFile === undefined
        ? null
        : parseBaseline(await readKept(baselineFile, "baseline"), baselineFile);
    const lockfile =
      lockfileFile === undefined
        ? null
        : parseLockfile(await readKept(lockfileFile, "lockfile"), lockfileFile);
    const [target, sarif, page] = [writeBaselineOption, sarifOption, reportOption].map((each) =>
      given.get(each),
    );
    await assertWritable([target, sarif, page].filter((path) => path !== undefined));
    await using temporary = await openTemporaryFolder("env-trace");
    const folder = given.get(observationsOption) ?? join(temporary.path, "observations");
    const trace = await prepareTrace({ folder: resolve(folder), policy });
    const end = await runTraced(given.operands, trace, { signal, areResultsOwn: !given.get(globals.json) });
    const { observations, broken } = await collectObservations(trace.folder);
    const accesses = accessesOf(observations, policy);
    const fresh = baseline === null ? null : newSince(accesses, baseline);
    const updated =
      lockfile === null
        ? null
        : newSinceLockfile(accesses, lockfile, await presentLockfile(trace.root, remark));
    const unlisted = accesses.filter(({ isListed }) => !isListed);
    if (target !== undefined) await writeFileAtomically(target, baselineText(accesses));
    const isNew = among(fresh);
    const isOfNewPackage = among(updated);
    if (sarif !== undefined) {
      const log = sarifOf(accesses, { root: trace.root, version: cupelVersion(), isNew, isOfNewPackage });
      await writeFileAtomically(sarif, `${JSON.stringify(log, null, 2)}\n`);
    }
    if (page !== undefined) {
      const document = tracePage(accesses, {
        program: shownProgram(given.operands, policy, process.env),
        ...end,
        tracedAt: new Date(clock.now()).toISOString(),
        root: trace.root,
        mode: policyFile === undefined ? null : policy.mode,
        baseline: baselineFile ?? null,
        lockfile: lockfileFile ?? null,
        isNew,
        isOfNewPackage,
      });
      await writeFileAtomically(page, await renderEnvTrace(document), { signal });
    }
    return {
      json: {
        program: given.operands,
        ...end,
        accesses,
        new: fresh,
        newSinceLockfile: updated,
        unlisted,
        broken,
      },
      text: accessText(accesses, { fresh, updated, unlisted }),
      failure: failureOf(given.operands[0]!, end, { fresh, updated: updated ?? [], unlisted }),
    };
  },
};

function among(accesses: readonly EnvAccess[] | null): (access: EnvAccess) => boolean {
  const found = new Set(accesses);
  return (access) => found.has(access);
}

interface Findings {
  /** null: there is no baseline. */
  readonly fresh: readonly EnvAccess[] | null;
  /** Of packages that are new since the older lockfile. */
  readonly updated: readonly EnvAccess[];
  readonly unlisted: readonly EnvAccess[];
}

/** The program's own end first: whoever wraps a command in this expects its status. */
function failureOf(
  program: string,
  { status, signal }: TracedEnd,
  { fresh, updated, unlisted }: Findings,
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
  if (fresh !== null && fresh.length > 0) {
    return envTraceErrors.error(
      "ENV_ACCESS_NEW",
      `The baseline does not have ${numberOf(fresh.length, "fact")} of ${packagesText(fresh)}. Where they are right, write it anew with --write-baseline.`,
    );
  }
  // What the baseline has was looked at.
  const grave = fresh === null ? updated.filter(isGrave) : [];
  if (grave.length === 0) return null;
  return envTraceErrors.error(
    "ENV_PACKAGE_NEW",
    `${packagesText(grave)}: not as in the older lockfile, and did something with tagged names or asked for all. Look at it; where it is right, keep a baseline with --write-baseline.`,
  );
}

function packagesText(accesses: readonly EnvAccess[]): string {
  return [...new Set(accesses.map((each) => each.package))].join(", ");
}
