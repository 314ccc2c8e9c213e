/** `cupel audit verify`: whether a log is what was recorded, and where it is not. */
import {
  auditErrors,
  type LogReport,
  type LogVerdict,
  type NoteKey,
  parseNoteKey,
  verifyLog,
} from "@cupel/audit";
import { type CupelError, readRegular, reasonOf } from "@cupel/base";
import { repeated, text } from "../../arguments/option.ts";
import { cliErrors } from "../../errors.ts";
import { numberOf } from "../../terminal/figures.ts";
import type { Command, Result } from "../command.ts";

const path = (given: string) => (given === "" ? undefined : given);

const keyOption = repeated(
  {
    name: "key",
    placeholder: "FILE",
    summary:
      "The public key of the log, NAME+ID+BASE64 as Go's note package writes it; more than one may be given",
  },
  "a path",
  path,
);
const formerKeyOption = repeated(
  {
    name: "former-key",
    placeholder: "FILE",
    summary: "A public key that signed this log before; repeatable",
  },
  "a path",
  path,
);
const checkpointOption = text({
  name: "checkpoint",
  placeholder: "FILE",
  summary: "An older checkpoint of this log that was kept elsewhere: the log must go on from it",
  fallback: "a log that was rolled back as a whole is not found out",
});

export const auditVerifyCommand: Command = {
  name: "audit verify",
  summary: "Verify a log: signature, tree, and every line of its journal",
  description:
    "The verdict is one of three, each with its exit status: valid (0), tampered (3), and unverifiable (4) where nothing contradicts the log and a key is " +
    "missing that would confirm it. What was changed, removed, put in or moved is told with the index of the event. Events that no checkpoint covers yet " +
    "are counted and are no fault. Nothing is written, and the log may grow meanwhile. A log that cannot be read has no verdict: the exit status is 66.",
  operands: [{ name: "FOLDER", summary: "Of the log" }],
  options: [keyOption, formerKeyOption, checkpointOption],
  examples: [
    { line: "cupel audit verify audit --key audit.pub", says: "a log, by its public key" },
    {
      line: "cupel audit verify audit --key audit.pub --checkpoint last-month.checkpoint",
      says: "and that nothing was taken back since",
    },
    { line: "cupel audit verify audit --key audit.pub --json | jq -r .verdict", says: "for a program" },
  ],
  async run(given) {
    const folder = given.operands[0]!;
    const keys = await Promise.all([...given.get(keyOption), ...given.get(formerKeyOption)].map(readKey));
    const kept = given.get(checkpointOption);
    const report = await verifyLog(folder, {
      logKeys: keys,
      keptCheckpoint: kept === undefined ? undefined : await read("checkpoint", kept),
    });
    return resultOf(folder, report);
  },
};

function resultOf(folder: string, report: LogReport): Result {
  const { verdict, findings, origin, size, lines, removed, uncovered } = report;
  const covered = size === null ? "no checkpoint" : `a checkpoint of ${numberOf(size, "event")}`;
  const told = [
    ...findings.map(({ kind, message }) => `${kind}: ${message}`),
    `${folder} is ${verdict}: ${covered}, ${numberOf(lines, "event")} in its journal.`,
    ...(removed > 0 ? [`Retention removed ${numberOf(removed, "event")}, as the log itself records.`] : []),
    ...(uncovered.count > 0
      ? [
          `From event ${uncovered.index} on, ${numberOf(uncovered.count, "event")} not yet covered by a checkpoint.`,
        ]
      : []),
  ];
  return {
    json: { verdict, folder, origin, size, lines, removed, uncovered, findings },
    text: told.join("\n"),
    failure: failures[verdict](folder, report),
  };
}

const failures: Readonly<Record<LogVerdict, (folder: string, report: LogReport) => CupelError | null>> = {
  valid: () => null,
  tampered: (folder, { findings }) =>
    auditErrors.error(
      "LOG_TAMPERED",
      `${folder} is not what was recorded: ${numberOf(findings.length, "finding")}. Keep the folder as it is for the inquiry.`,
      { details: { folder, findings: findings.length } },
    ),
  unverifiable: (folder) =>
    auditErrors.error(
      "LOG_UNVERIFIABLE",
      `${folder} can be neither confirmed nor called wrong: no key that was given signed it. Give its public key with --key or --former-key.`,
      { details: { folder } },
    ),
};

/** @throws FILE_UNREADABLE, KEY_INVALID */
async function readKey(file: string): Promise<NoteKey> {
  return parseNoteKey((await read("key", file)).toString("utf8"));
}

/** @throws FILE_UNREADABLE */
async function read(what: string, file: string): Promise<Buffer> {
  return await readRegular(file).catch((thrown: unknown) => {
    throw cliErrors.error("FILE_UNREADABLE", `Cannot read the ${what} in ${file}: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { file },
    });
  });
}
