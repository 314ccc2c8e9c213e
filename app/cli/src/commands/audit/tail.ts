/** `cupel audit tail`: the last events of a log, and those that come. */
import { join } from "node:path";
import { followJournal, type JournalLine, lastLines } from "@cupel/audit";
import { flag, integer, invalid, repeated } from "../../arguments/option.ts";
import type { Given } from "../../arguments/parse.ts";
import { type EventFilter, isWanted, parseFilters } from "../../audit/event-filter.ts";
import { eventLine } from "../../audit/event-line.ts";
import { recordReading } from "../../audit/record-reading.ts";
import { visibleLine } from "../../terminal/visible-text.ts";
import type { Command, CommandContext, StreamedResult } from "../command.ts";
import { tailRuntime } from "./tail-runtime.ts";

const runtimeOption = flag({
  name: "runtime",
  summary:
    "Follow instead what the runtime does (collections, event loop, connections, requests), as cupel serve --runtime-log writes it. It is no audit log",
});

const linesOption = integer({
  name: "lines",
  short: "n",
  placeholder: "N",
  min: 0,
  value: 10,
  summary: "Events from the end of the log",
});
const followOption = flag({
  name: "follow",
  short: "f",
  summary: "Go on with events as they come, until Ctrl-C",
});
const whereOption = repeated(
  {
    name: "where",
    placeholder: "NAME=VALUE,...",
    summary:
      "Only events for which all of it holds: action, severity, id, time, writer, and facts as sub.id, obj.model, ctx.code; * stands for anything",
  },
  "conditions such as action=MODEL.*,severity=ERROR or sub.id=deploy",
  parseFilters,
);

export const auditTailCommand: Command = {
  description:
    "On a terminal a line for people; elsewhere, a line of JSON each, as it stands in the log (with what a terminal obeys escaped). Values are compared as they are " +
    "recorded, which is masked. The log may be written meanwhile, and files that are closed, compressed or deleted are followed over. A line that is not whole yet is not shown. " +
    "Nothing is verified: see audit verify. That the log was read is recorded, before the first line is shown. With --runtime: what the log says of itself, the last ten " +
    "lines, then each as it comes; entries that were overwritten before they were read are told in their place, with their count.",
  operands: [{ name: "FOLDER", summary: "Of the log" }],
  options: [linesOption, followOption, whereOption, runtimeOption],
  examples: [
    { line: "cupel audit tail audit", says: "the last ten events" },
    { line: "cupel audit tail audit --follow --where severity=ERROR", says: "what goes wrong, as it does" },
    {
      line: "cupel audit tail audit -n 1000 --where action=MODEL.* | jq .obj.model",
      says: "the last 1,000 events about models, for a program",
    },
    { line: "cupel audit tail --runtime record", says: "of a server with --runtime-log record" },
    {
      line: `cupel audit tail --runtime record | jq 'select(.kind == "gc")'`,
      says: "its garbage collections alone",
    },
  ],
  async run(given, context) {
    const folder = given.operands[0]!;
    if (!given.get(runtimeOption)) return await tailOfLog(folder, given, context);
    for (const { name } of [linesOption, followOption, whereOption].filter((option) => given.has(option))) {
      throw invalid(name, "is of the log of events; --runtime follows another, from its last ten lines on");
    }
    return tailRuntime(folder, context);
  },
};

async function tailOfLog(folder: string, given: Given, context: CommandContext): Promise<StreamedResult> {
  const journal = join(folder, "journal");
  const filters = given.get(whereOption).flat();
  const isFollowed = given.get(followOption);
  // Before it is recorded: a folder that is no log is told at once.
  const last = await lastLines(journal, given.get(linesOption), (line) => isShown(line, filters));
  await recordReading(folder, readingOf(given, last.lines, last.next), context);
  const { isOutInteractive } = context.terminal;
  async function* items() {
    for (const each of last.lines) yield itemOf(each, isOutInteractive);
    if (!isFollowed) return;
    for await (const each of followJournal(journal, last.next, context.signal)) {
      if (isShown(each.line, filters)) yield itemOf(each, isOutInteractive);
    }
  }
  return {
    begin: { json: { folder }, text: "" },
    list: "events",
    items: items(),
    end: () => ({ json: {}, text: "" }),
  };
}

/** What was searched for may be somebody's data: names of conditions are recorded, and not their values. */
function readingOf(given: Given, lines: readonly JournalLine[], size: number) {
  const names = given.get(whereOption).flatMap((filters) => filters.map(({ name }) => name));
  const [first] = lines;
  return {
    action: "AUDIT.READ",
    object: { size: String(size), ...(first === undefined ? {} : { from: String(first.index) }) },
    context: {
      command: "audit tail",
      events: String(lines.length),
      follow: String(given.get(followOption)),
      ...(names.length === 0 ? {} : { where: names.join(" ") }),
    },
  } as const;
}

function isShown(line: Uint8Array, filters: readonly EventFilter[]): boolean {
  return filters.length === 0 || isWanted(parsed(textOf(line)), filters);
}

function itemOf({ index, line }: JournalLine, isForPerson: boolean) {
  const text = textOf(line);
  const event = parsed(text);
  const shown = isForPerson ? eventLine(index, event) : null;
  return { json: { index, event: event ?? text }, text: visibleLine(shown ?? text) };
}

function textOf(line: Uint8Array): string {
  return Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString("utf8");
}

/** Null where it is no JSON, as in a log that somebody changed. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
