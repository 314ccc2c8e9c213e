/** `cupel audit retain`: applies the policy of retention of a log now, or says what it would remove. */
import { readFile } from "node:fs/promises";
import {
  changeRetentionPolicy,
  parseDuration,
  parseNoteKey,
  planRetention,
  type SegmentSpan,
} from "@cupel/audit";
import { reasonOf } from "@cupel/base";
import { flag, parsed } from "../../arguments/option.ts";
import { assertLog, keyFileOption, openKeptLog } from "../../audit/open-kept-log.ts";
import { cliErrors } from "../../errors.ts";
import { numberOf } from "../../terminal/figures.ts";
import type { Command, Result } from "../command.ts";

const keepOption = parsed(
  {
    name: "keep",
    placeholder: "DURATION",
    summary: "How long events are kept from now on; it goes to FOLDER/policy.json",
    fallback: "what is there says; nothing there, and events are kept for ever",
  },
  "weeks, days, hours, minutes and seconds as ISO 8601 writes them, such as P180D or P26W",
  (given) => (parseDuration(given) === null ? undefined : given),
);
const dryRunOption = flag({
  name: "dry-run",
  summary: "Say what would be removed, and change nothing; FOLDER.pub verifies the log",
});

export const auditRetainCommand: Command = {
  description:
    "Whole files of the journal go, with the bundles of their entries, once all of their events are older; never the newest, and none that a legal hold covers. Each " +
    "removal is recorded and under a signed checkpoint before it is done. The hashes stay: the log verifies, and every proof holds. While a server records into FOLDER it does this by itself, " +
    "each minute, and this command is refused (LOG_IN_USE) without --dry-run.",
  operands: [{ name: "FOLDER", summary: "Of the log" }],
  options: [keepOption, dryRunOption, keyFileOption],
  examples: [
    { line: "cupel audit retain audit --keep P180D --dry-run", says: "what half a year would remove" },
    { line: "cupel audit retain audit --keep P180D", says: "keep half a year, now and from now on" },
  ],
  async run(given, { clock, say }) {
    const folder = given.operands[0]!;
    const keep = given.get(keepOption);
    await assertLog(folder);
    if (given.get(dryRunOption)) {
      const logKeys = [parseNoteKey(await readPublicKey(`${folder}.pub`))];
      return planText(folder, await planRetention(folder, { logKeys, keep, clock }));
    }
    await using log = await openKeptLog(folder, given.get(keyFileOption), say);
    if (keep !== undefined) await changeRetentionPolicy(folder, (policy) => ({ ...policy, keep }));
    await log.recorder.retain();
    const { removedSegments: segments = 0, removedEvents: events = 0 } = log.recorder.metrics.retention ?? {};
    return {
      json: { folder, removed: { files: segments, events } },
      text: `Removed ${numberOf(segments, "file")} with ${numberOf(events, "event")} from ${folder}; the record says so.`,
    };
  },
};

function planText(
  folder: string,
  { policy, due, held, removed }: Awaited<ReturnType<typeof planRetention>>,
): Result {
  const eventsOf = (spans: readonly SegmentSpan[]) =>
    spans.reduce((sum, { range: { begin, end } }) => sum + end - begin, 0);
  const rowOf = ({ range: { begin, end }, times }: SegmentSpan) => ({
    from: begin,
    to: end - 1,
    oldest: new Date(times.from).toISOString(),
    newest: new Date(times.to).toISOString(),
  });
  const lineOf = (what: string) => (span: SegmentSpan) => {
    const { from, to, oldest, newest } = rowOf(span);
    return `${what} events ${from} to ${to}, of ${oldest} to ${newest}`;
  };
  return {
    json: { folder, keep: policy.keep, due: due.map(rowOf), held: held.map(rowOf), removed },
    text: [
      ...due.map(lineOf("would remove")),
      ...held.map(lineOf("held:       ")),
      `${folder} keeps ${policy.keep ?? "everything"}: ${numberOf(due.length, "file")} with ${numberOf(eventsOf(due), "event")} would be removed, ${numberOf(eventsOf(held), "event")} older than that ${eventsOf(held) === 1 ? "is" : "are"} held.`,
    ].join("\n"),
  };
}

/** @throws FILE_UNREADABLE */
async function readPublicKey(path: string): Promise<string> {
  return await readFile(path, "utf8").catch((thrown: unknown) => {
    throw cliErrors.error("FILE_UNREADABLE", `The key ${path} cannot be read: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { path },
    });
  });
}
