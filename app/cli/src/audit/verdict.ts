/** What a verdict is as the end of a command: its sentence, and the error that gives the exit status. */
import { auditErrors, type LogFinding, type LogVerdict } from "@cupel/audit";
import type { CupelError } from "@cupel/base";
import { numberOf } from "../terminal/figures.ts";

interface Judged {
  readonly verdict: LogVerdict;
  readonly findings: readonly LogFinding[];
}

/** @param what a path. @returns null where it is valid */
export function failureOf(what: string, { verdict, findings }: Judged): CupelError | null {
  return failures[verdict](what, findings);
}

/** One line a finding. */
export function findingLines({ findings }: Judged): string[] {
  return findings.map(({ kind, message }) => `${kind}: ${message}`);
}

const failures: Readonly<
  Record<LogVerdict, (what: string, findings: readonly LogFinding[]) => CupelError | null>
> = {
  valid: () => null,
  tampered: (what, findings) =>
    auditErrors.error(
      "LOG_TAMPERED",
      `${what} is not what was recorded: ${numberOf(findings.length, "finding")}. Keep it as it is for the inquiry.`,
      { details: { path: what, findings: findings.length } },
    ),
  unverifiable: (what, findings) =>
    auditErrors.error(
      "LOG_UNVERIFIABLE",
      `${what} can be neither confirmed nor called wrong. ${adviceOn(new Set(findings.map(({ kind }) => kind)))}`,
      { details: { path: what } },
    ),
};

function adviceOn(kinds: ReadonlySet<string>): string {
  if (kinds.has("key-unknown"))
    return "No key that was given signed it: give its public key with --key, those of before too.";
  if (kinds.has("checkpoint-missing")) return "Give the older checkpoint with --checkpoint.";
  if (kinds.has("unwitnessed")) return "Have it witnessed: cupel audit witness.";
  return "What would confirm it is not there.";
}
