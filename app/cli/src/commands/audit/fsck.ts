/** `cupel audit fsck`: whether the files of a log agree with each other. No key is needed, and none is asked for. */
import { verdictOf, verifyLog } from "@cupel/audit";
import { failureOf, findingLines } from "../../audit/verdict.ts";
import type { Command } from "../command.ts";
import { extentLines, extentOf, recordVerification } from "./verify.ts";

export const auditFsckCommand: Command = {
  description:
    "What `cupel audit verify` checks but for signatures: tiles, bundles and each line of the journal against the root that the checkpoint says. It " +
    "finds what broke or was changed in a part. Whoever changes all of it together, checkpoint included, passes: that takes a key to find out. " +
    "Exit status 0 where the files agree, 3 where they do not, 4 where the log has no tree to check it by.",
  operands: [
    { name: "FOLDER", summary: "Of the log, also of one that others wrote in the form of tlog-tiles" },
  ],
  options: [],
  examples: [{ line: "cupel audit fsck audit", says: "after a crash, a copy or a restore" }],
  async run(given, context) {
    const folder = given.operands[0]!;
    const verified = await verifyLog(folder, { logKeys: [] });
    const findings = verified.findings.filter(({ kind }) => kind !== "key-unknown");
    const report = { ...verified, findings, verdict: verdictOf(findings) };
    await recordVerification(folder, "audit fsck", report, context);
    const { verdict, origin, size, lines, removed, uncovered } = report;
    const isSound = verdict === "valid";
    const sentence = isSound
      ? `The files of ${folder} agree with each other: ${extentOf(report)}. Who signed them was not looked at.`
      : `${folder} is ${verdict}: ${extentOf(report)}.`;
    return {
      json: { isSound, folder, origin, size, lines, removed, uncovered, findings },
      text: [...findingLines(report), sentence, ...extentLines(report)].join("\n"),
      failure: failureOf(folder, report),
    };
  },
};
