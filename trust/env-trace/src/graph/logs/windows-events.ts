/**
 * Events of Windows as XML, as wevtutil, Get-WinEvent and tools for .evtx files write them: with a root around them or one after the other.
 * Read one event at a time. Security: 4688 a process began, 4689 ended, 4657 a value of the registry changed. Sysmon: 1 began, 5 ended,
 * 12 and 13 the registry. CommandLine may be empty and ParentProcessName absent. No entity but the five of XML is known, so that none expands.
 */
import { SaxesParser } from "saxes";
import { envTraceErrors } from "../../errors.ts";
import { hiveOf } from "../../snapshot/windows/registry-value.ts";
import { emptySummary, type LogSummary, type ProcessEvent, type ProcessName } from "../process-event.ts";
import { longestRecord, textOf, tooLong } from "./log-text.ts";

/** @param summary is filled while the log is read. @throws ENV_LOG_INVALID where nothing is an event, ENV_LOG_TOO_LARGE */
export async function* readWindowsEvents(
  chunks: AsyncIterable<Uint8Array>,
  where: string,
  summary: LogSummary = emptySummary("windows"),
): AsyncIterable<ProcessEvent> {
  for await (const { text, line } of eventTexts(textOf(chunks), where)) {
    const event = parseEvent(text);
    if (typeof event === "string") {
      summary.malformed++;
      summary.firstMalformed ??= `the event at line ${line}: ${event}`;
      continue;
    }
    summary.records++;
    const found = processEventOf(event);
    if (found !== null) yield found;
  }
  if (summary.records > 0) return;
  throw envTraceErrors.error(
    "ENV_LOG_INVALID",
    `${where} has no event of Windows as XML: ${summary.firstMalformed ?? "elements <Event> are expected, as wevtutil qe LOG /f:xml writes them"}.`,
    { details: { log: where, malformed: summary.malformed } },
  );
}

interface EventText {
  readonly text: string;
  readonly line: number;
}

const opening = /<(?:[\w.-]+:)?Event(?=[\s>])/;
const closing = /<\/(?:[\w.-]+:)?Event\s*>/;

async function* eventTexts(texts: AsyncIterable<string>, where: string): AsyncIterable<EventText> {
  let rest = "";
  let line = 1;
  const pass = (length: number) => {
    line += rest.slice(0, length).split("\n").length - 1;
    rest = rest.slice(length);
  };
  for await (const text of texts) {
    rest += text;
    for (;;) {
      const begin = opening.exec(rest);
      if (begin === null) {
        // The beginning of a tag may be at its end.
        pass(Math.max(0, rest.length - 64));
        break;
      }
      pass(begin.index);
      const end = closing.exec(rest);
      const again = opening.exec(rest.slice(1));
      // One that was cut off must not take the next with it.
      if (again !== null && (end === null || again.index + 1 < end.index)) {
        yield { text: rest.slice(0, again.index + 1), line };
        pass(again.index + 1);
        continue;
      }
      if (end === null) {
        if (rest.length > longestRecord) throw tooLong(where);
        break;
      }
      const length = end.index + end[0].length;
      yield { text: rest.slice(0, length), line };
      pass(length);
    }
  }
  if (opening.test(rest)) yield { text: rest, line };
}

interface WindowsEvent {
  readonly provider: string;
  readonly id: number;
  readonly at: number;
  readonly host: string;
  readonly data: ReadonlyMap<string, string>;
}

/** @returns what is wrong with it */
function parseEvent(text: string): WindowsEvent | string {
  const parser = new SaxesParser({ xmlns: false, position: false });
  const data = new Map<string, string>();
  const path: string[] = [];
  let name: string | null = null;
  let content = "";
  let provider = "";
  let host = "";
  let id = Number.NaN;
  let at = Number.NaN;
  let failure: string | null = null;
  const add = (more: string) => {
    content += more;
  };
  parser.on("error", (error) => {
    failure ??= error.message;
  });
  parser.on("opentag", ({ name: tag, attributes }) => {
    const local = tag.slice(tag.indexOf(":") + 1);
    path.push(local);
    content = "";
    if (local === "Provider") provider = attributes.Name ?? "";
    else if (local === "TimeCreated") at = Date.parse(attributes.SystemTime ?? "");
    else if (local === "Data") name = attributes.Name ?? null;
  });
  parser.on("text", add);
  parser.on("cdata", add);
  parser.on("closetag", () => {
    const where = path.join("/");
    path.pop();
    if (where === "Event/System/EventID") id = Number(content.trim());
    else if (where === "Event/System/Computer") host = content.trim();
    else if (where === "Event/EventData/Data" && name !== null) data.set(name, content);
    content = "";
  });
  try {
    parser.write(text).close();
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
  if (failure !== null) return failure;
  if (!Number.isInteger(id)) return "it has no EventID";
  // Sysmon says it to the millisecond, when it happened and not when it was written.
  const utc = data.get("UtcTime");
  const happened = utc === undefined ? Number.NaN : Date.parse(`${utc.trim().replace(" ", "T")}Z`);
  if (!Number.isNaN(happened)) at = happened;
  return Number.isNaN(at) ? "it has no time" : { provider, id, at, host: host.toUpperCase(), data };
}

const readers: ReadonlyMap<string, (event: WindowsEvent) => ProcessEvent | null> = new Map([
  ["Microsoft-Windows-Security-Auditing 4688", securityStart],
  [
    "Microsoft-Windows-Security-Auditing 4689",
    (event) => ({ kind: "end", at: event.at, ...named(event, "ProcessId", null, "ProcessName") }),
  ],
  ["Microsoft-Windows-Security-Auditing 4657", securityValue],
  ["Microsoft-Windows-Sysmon 1", sysmonStart],
  [
    "Microsoft-Windows-Sysmon 5",
    (event) => ({ kind: "end", at: event.at, ...named(event, "ProcessId", "ProcessGuid", "Image") }),
  ],
  ["Microsoft-Windows-Sysmon 12", sysmonValue],
  ["Microsoft-Windows-Sysmon 13", sysmonValue],
]);

function processEventOf(event: WindowsEvent): ProcessEvent | null {
  return readers.get(`${event.provider} ${event.id}`)?.(event) ?? null;
}

function named({ host, data }: WindowsEvent, pid: string, guid: string | null, image: string): ProcessName {
  return {
    host,
    pid: numberOf(data.get(pid)),
    guid:
      guid === null
        ? null
        : (textOrNull(data.get(guid))
            ?.replaceAll(/[{}\s]/g, "")
            .toUpperCase() ?? null),
    image: textOrNull(data.get(image)),
  };
}

function securityStart(event: WindowsEvent): ProcessEvent {
  const { at, data } = event;
  return {
    kind: "start",
    log: "security",
    at,
    ...named(event, "NewProcessId", null, "NewProcessName"),
    parent: { ...named(event, "ProcessId", null, "ParentProcessName"), command: null },
    command: lineOf(data.get("CommandLine")),
    folder: null,
    incomplete: null,
  };
}

function sysmonStart(event: WindowsEvent): ProcessEvent {
  const { at, data } = event;
  return {
    kind: "start",
    log: "sysmon",
    at,
    ...named(event, "ProcessId", "ProcessGuid", "Image"),
    parent: {
      ...named(event, "ParentProcessId", "ParentProcessGuid", "ParentImage"),
      command: lineOf(data.get("ParentCommandLine")),
    },
    command: lineOf(data.get("CommandLine")),
    folder: textOrNull(data.get("CurrentDirectory")),
    incomplete: null,
  };
}

function securityValue(event: WindowsEvent): ProcessEvent | null {
  const { at, data } = event;
  const name = textOrNull(data.get("ObjectValueName"));
  if (name === null || hiveOf(data.get("ObjectName") ?? "") === null) return null;
  const value = textOrNull(data.get("NewValue"));
  // %%1906: a value was deleted.
  const isDeleted = data.get("OperationType") === "%%1906";
  return {
    kind: "variable",
    at,
    ...named(event, "ProcessId", null, "ProcessName"),
    name,
    value: isDeleted ? null : value,
    isDeleted,
  };
}

function sysmonValue(event: WindowsEvent): ProcessEvent | null {
  const { at, data } = event;
  const target = data.get("TargetObject") ?? "";
  const slash = target.lastIndexOf("\\");
  const kind = data.get("EventType") ?? "";
  if (hiveOf(target.slice(0, slash)) === null || !/^(SetValue|DeleteValue)$/.test(kind)) return null;
  const isDeleted = kind === "DeleteValue";
  const value = isDeleted ? null : textOrNull(data.get("Details"));
  return {
    kind: "variable",
    at,
    ...named(event, "ProcessId", "ProcessGuid", "Image"),
    name: target.slice(slash + 1),
    value,
    isDeleted,
  };
}

function lineOf(text: string | undefined) {
  const line = textOrNull(text);
  return line === null ? null : ({ kind: "line", line } as const);
}

function textOrNull(text: string | undefined): string | null {
  return text === undefined || /^\s*-?\s*$/.test(text) ? null : text;
}

/** "0x1a4" or "420". */
function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^\s*(0x[0-9a-f]{1,12}|\d{1,15})\s*$/i.test(text) ? Number(text) : null;
}
