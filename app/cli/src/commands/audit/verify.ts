/** `cupel audit verify`: whether a log is what was recorded and where it is not, and whether a proof holds. */
import { stat } from "node:fs/promises";
import { type LogReport, type ProofReport, type Vouched, verifyLog, verifyProof } from "@cupel/audit";
import { invalid, text } from "../../arguments/option.ts";
import type { Given } from "../../arguments/parse.ts";
import { filesOption, readAuthorities, readGiven, readNoteKeys } from "../../audit/note-keys.ts";
import { recordReading } from "../../audit/record-reading.ts";
import { failureOf, findingLines } from "../../audit/verdict.ts";
import { numberOf } from "../../terminal/figures.ts";
import type { Command, CommandContext, Result } from "../command.ts";

const keyOption = filesOption(
  "key",
  "The public key of the log, NAME+ID+BASE64 as Go's note package writes it; also each that signed this log before; repeatable",
);
const checkpointOption = text({
  name: "checkpoint",
  placeholder: "FILE",
  summary: "An older checkpoint of this log that was kept elsewhere: the log must go on from it",
  fallback: "a log that was rolled back as a whole is not found out",
});
const witnessKeyOption = filesOption(
  "witness-key",
  "The public key of a witness, which must have cosigned the log at some time; repeatable",
);
const authorityOption = filesOption(
  "tsa-ca",
  "Certificates, PEM, of time-stamping authorities, one of which must have stamped the log at some time; repeatable",
);

export const auditVerifyCommand: Command = {
  description:
    "The verdict is one of three, each with its exit status: valid (0), tampered (3), and unverifiable (4) where nothing contradicts the log and a key is " +
    "missing that would confirm it. What was changed, removed, put in or moved is told with the index of the event. Events that no checkpoint covers yet " +
    "are counted and are no fault. The log may grow meanwhile, and nothing in it is changed; that it was verified is recorded. A file that `cupel audit prove` made is verified without " +
    "the log, with the same verdicts. What cannot be read has no verdict: the exit status is 66, and 65 for a file that is no proof.",
  operands: [{ name: "LOG|PROOF", summary: "The folder of a log, or a file with a proof" }],
  options: [keyOption, checkpointOption, witnessKeyOption, authorityOption],
  examples: [
    { line: "cupel audit verify audit --key audit.pub", says: "a log, by its public key" },
    {
      line: "cupel audit verify audit --key audit.pub --checkpoint last-month.checkpoint",
      says: "and that nothing was taken back since",
    },
    {
      line: "cupel audit verify event.proof --key audit.pub",
      says: "that an event is in the log, without the log",
    },
    {
      line: "cupel audit verify audit --key audit.pub --witness-key witness.pub",
      says: "and that a witness saw it grow",
    },
    { line: "cupel audit verify audit --key audit.pub --json | jq -r .verdict", says: "for a program" },
  ],
  async run(given, context) {
    const path = given.operands[0]!;
    const isFile = (await stat(path).catch(() => null))?.isDirectory() === false;
    const kept = given.get(checkpointOption);
    const keys = {
      logKeys: await readNoteKeys(given.get(keyOption)),
      witnessKeys: await readNoteKeys(given.get(witnessKeyOption)),
      keptCheckpoint: kept === undefined ? undefined : await readGiven("checkpoint", kept),
    };
    return isFile
      ? proofResult(path, verifyProof(await readGiven("proof", path), keys), given)
      : await logResult(
          path,
          { ...keys, authorities: await readAuthorities(given.get(authorityOption)) },
          context,
        );
  },
};

async function logResult(
  folder: string,
  keys: Parameters<typeof verifyLog>[1],
  context: CommandContext,
): Promise<Result> {
  const report = await verifyLog(folder, keys);
  await recordVerification(folder, "audit verify", report, context);
  const { verdict, findings, origin, size, lines, removed, uncovered, vouched } = report;
  const told = [
    ...findingLines(report),
    `${folder} is ${verdict}: ${extentOf(report)}.`,
    ...extentLines(report),
    ...vouched.map(vouchedLine),
  ];
  return {
    json: { verdict, folder, origin, size, lines, removed, uncovered, vouched, findings },
    text: told.join("\n"),
    failure: failureOf(folder, report),
  };
}

/** That it was, and what came of it. */
export async function recordVerification(
  folder: string,
  command: string,
  { verdict, size, lines, findings }: LogReport,
  context: CommandContext,
): Promise<void> {
  const action = verdict === "valid" ? "AUDIT.VERIFY" : "AUDIT.VERIFY.FAIL";
  const object = { size: String(size ?? 0), lines: String(lines) };
  const facts = { command, verdict, findings: String(findings.length) };
  await recordReading(folder, { action, object, context: facts }, context);
}

export function extentOf({ origin, size, lines }: LogReport): string {
  const covered = size === null ? "no checkpoint" : `a checkpoint of ${numberOf(size, "event")}`;
  if (origin === null && lines === 0) return `${covered}, no journal, as logs of others have none`;
  return `${covered}, ${numberOf(lines, "event")} in its journal`;
}

/** What is not there any more, and what is not covered yet. */
export function extentLines({ removed, uncovered: { index, count } }: LogReport): string[] {
  return [
    ...(removed > 0 ? [`Retention removed ${numberOf(removed, "event")}, as the log itself records.`] : []),
    ...(count > 0
      ? [`From event ${index} on, ${numberOf(count, "event")} not yet covered by a checkpoint.`]
      : []),
  ];
}

function vouchedLine({ kind, by, size, time }: Vouched): string {
  const did = kind === "witness" ? "cosigned" : "stamped";
  return `Its first ${numberOf(size, "event")} ${did} by ${by.replaceAll("\n", ", ")} at ${time}.`;
}

function proofResult(path: string, report: ProofReport, given: Given): Result {
  for (const option of [checkpointOption, authorityOption]) {
    if (given.has(option) && (option === authorityOption || report.kind === "event"))
      throw invalid(option.name, `says nothing of ${path}, which is a proof`);
  }
  const { verdict, findings, kind, origin, size, signers } = report;
  const common = { verdict, file: path, proves: kind, origin, size, signers };
  const checkpoint = `its checkpoint of ${numberOf(size, "event")}${signers.length === 0 ? "" : `, signed by ${signers.join(" and ")}`}`;
  const failure = failureOf(path, report);
  const sentence = (claim: string) =>
    failure === null ? `${path} is valid: ${claim}.` : `${path} is ${verdict}. Its claim: ${claim}.`;
  if (kind === "growth") {
    const { oldSize } = report;
    const claim = `${origin} goes on from its first ${oldSize} to ${checkpoint}`;
    return {
      json: { ...common, oldSize, findings },
      text: [...findingLines(report), sentence(claim)].join("\n"),
      failure,
    };
  }
  const { index, entry } = report;
  const event = entry?.toString("utf8") ?? null;
  const claim = `event ${index} of ${origin} is in ${checkpoint}`;
  // What no known key stands behind is not shown as an event.
  const shown = failure === null && event !== null ? [event] : [];
  return {
    json: { ...common, index, event, findings },
    text: [...findingLines(report), ...shown, sentence(claim)].join("\n"),
    failure,
  };
}
