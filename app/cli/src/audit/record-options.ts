/** How a command is told to record what it does: one table for all that do. */
import type { Compression, TroublePolicyName } from "@cupel/audit";
import { choice, invalid, text } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import type { RecordPlace } from "./open-record.ts";

const policies = ["block", "spill", "count-and-drop"] as const satisfies readonly TroublePolicyName[];
const compressions = ["none", "gzip", "zstd"] as const satisfies readonly Compression[];

export const recordOptions = {
  folder: text({
    name: "audit",
    placeholder: "FOLDER",
    summary:
      "Record there who does what with which model and data, masked and signed; nothing begins and no answer is given before its record is durable. " +
      "Keys that are not beside it are made: FOLDER.key, FOLDER.pub, FOLDER.masking-key",
  }),
  key: text({
    name: "audit-key",
    placeholder: "FILE",
    summary: "Key that signs the record, PRIVATE+KEY+...; its name is the record's origin",
    fallback: "FOLDER.key",
  }),
  onTrouble: choice({
    name: "audit-on-trouble",
    choices: policies,
    summary:
      "When the record cannot be written: do nothing and answer nothing, write it to --audit-spill and go on, or go on and count what is lost",
    fallback: "block",
  }),
  spill: text({
    name: "audit-spill",
    placeholder: "FOLDER",
    summary:
      "For --audit-on-trouble spill: a folder on another device, from where events go to the record when it can be written again",
  }),
  compression: choice({
    name: "audit-compress",
    choices: compressions,
    summary:
      "Completed files of events are compressed so; their tree is not, and needs no unpacking to be checked",
    fallback: "none",
  }),
};

/** Null for no record. @throws OPTION_INVALID */
export function recordPlace(given: Given): RecordPlace | null {
  const { folder: folderOption, ...how } = recordOptions;
  const folder = given.get(folderOption);
  if (folder === undefined) {
    const idle = Object.values(how).find((option) => given.has(option));
    if (idle) throw invalid(idle.name, "says how to record, and needs --audit FOLDER");
    return null;
  }
  const spillFolder = given.get(recordOptions.spill);
  const policy = given.get(recordOptions.onTrouble) ?? "block";
  if (policy === "spill" && spillFolder === undefined) {
    throw invalid("audit-on-trouble", "spill needs a second folder: --audit-spill FOLDER");
  }
  if (policy !== "spill" && spillFolder !== undefined) {
    throw invalid("audit-spill", "is of use with --audit-on-trouble spill only");
  }
  const keyFile = given.get(recordOptions.key);
  return { folder, keyFile, policy, spillFolder, compression: given.get(recordOptions.compression) };
}
