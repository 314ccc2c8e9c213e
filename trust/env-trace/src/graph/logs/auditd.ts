/**
 * Programs that were started, from the audit log of Linux: records of one event share a time and a serial number, and may come in any
 * order, with records of others between them. An event is whole at its EOE record, or when the log is two seconds past it, or when
 * too many wait. What then comes of it is late and counted.
 */
import { envTraceErrors } from "../../errors.ts";
import { emptySummary, type LogSummary, type ProcessStart } from "../process-event.ts";
import { type AuditRecord, auditNumber, auditText, parseAuditRecord } from "./audit-record.ts";
import { linesOf, textOf } from "./log-text.ts";

/** Milliseconds of the log. */
const holdMs = 2_000;
/** Events that wait for their records. */
const mostHeld = 512;
/** Records that one event may have: the most that a command of the longest length takes, and some. */
const mostRecords = 1_024;
/** Serial numbers of events that were told, to know what is late. */
const mostRemembered = 4_096;

/** Numbers of execve and execveat, by architecture. */
const execCalls = new Map([
  ["c000003e", ["59", "322"]],
  ["40000003", ["11", "358"]],
  ["c00000b7", ["221", "281"]],
  ["40000028", ["11", "387"]],
  ["c00000f3", ["221", "281"]],
]);

/** @param summary is filled while the log is read. @throws ENV_LOG_INVALID where no line is a record, ENV_LOG_TOO_LARGE */
export async function* readAuditd(
  chunks: AsyncIterable<Uint8Array>,
  where: string,
  summary: LogSummary = emptySummary("auditd"),
): AsyncIterable<ProcessStart> {
  const assembler = new AuditAssembler(summary);
  let line = 0;
  for await (const text of linesOf(textOf(chunks), where)) {
    line++;
    // Between what ausearch prints.
    if (/^(\s*|----|time->.*)$/.test(text)) continue;
    const record = parseAuditRecord(text);
    if (record === null) {
      summary.malformed++;
      summary.firstMalformed ??= `line ${line}`;
    } else {
      summary.records++;
      yield* assembler.take(record);
    }
  }
  if (summary.records === 0) {
    throw envTraceErrors.error(
      "ENV_LOG_INVALID",
      `${where} has no record of the Linux audit log: lines "type=... msg=audit(...)" are expected.`,
      {
        details: { log: where, malformed: summary.malformed },
      },
    );
  }
  yield* assembler.rest();
}

interface HeldEvent {
  readonly node: string;
  readonly at: number;
  readonly serial: number;
  readonly records: AuditRecord[];
}

class AuditAssembler {
  readonly #summary: LogSummary;
  /** In the order of their first record. */
  readonly #held = new Map<string, HeldEvent>();
  readonly #told = new Set<string>();
  readonly #lastSerials = new Map<string, { serial: number; at: number }>();
  #newest = 0;

  constructor(summary: LogSummary) {
    this.#summary = summary;
  }

  *take(record: AuditRecord): Iterable<ProcessStart> {
    const { node, at, serial, type } = record;
    const key = `${node} ${at} ${serial}`;
    const held = this.#held.get(key);
    if (held !== undefined) {
      if (held.records.length < mostRecords) held.records.push(record);
    } else if (this.#told.has(key)) {
      if (type !== "EOE") this.#summary.late++;
      return;
    } else this.#held.set(key, { node, at, serial, records: [record] });
    this.#newest = Math.max(this.#newest, at);
    if (type === "EOE") yield* this.#tell(key);
    for (const [each, event] of this.#held) {
      if (this.#held.size <= mostHeld && this.#newest - event.at <= holdMs) continue;
      yield* this.#tell(each);
    }
  }

  *rest(): Iterable<ProcessStart> {
    for (const key of [...this.#held.keys()]) yield* this.#tell(key);
  }

  *#tell(key: string): Iterable<ProcessStart> {
    const event = this.#held.get(key);
    if (event === undefined) return;
    this.#held.delete(key);
    this.#told.add(key);
    for (const first of this.#told) {
      if (this.#told.size <= mostRemembered) break;
      this.#told.delete(first);
    }
    this.#countMissing(event);
    const start = startOf(event, this.#summary);
    if (start === null) return;
    if (start.incomplete !== null) this.#summary.incomplete++;
    yield start;
  }

  /** Serials grow by one until the machine starts anew; events that are told out of order fill gaps that were counted. */
  #countMissing({ node, serial, at }: HeldEvent): void {
    const last = this.#lastSerials.get(node);
    if (last !== undefined && serial > last.serial && at >= last.at)
      this.#summary.missingEvents += serial - last.serial - 1;
    else if (
      last !== undefined &&
      serial < last.serial &&
      at >= last.at - holdMs &&
      this.#summary.missingEvents > 0
    ) {
      this.#summary.missingEvents--;
      return;
    }
    this.#lastSerials.set(node, { serial, at });
  }
}

function startOf({ node, at, records }: HeldEvent, summary: LogSummary): ProcessStart | null {
  const fieldsOf = (type: string) => records.find((record) => record.type === type)?.fields;
  const call = fieldsOf("SYSCALL");
  const parts = records.filter(({ type }) => type === "EXECVE");
  const isExec =
    parts.length > 0 || execCalls.get(call?.get("arch") ?? "")?.includes(call?.get("syscall") ?? "") === true;
  if (!isExec) return null;
  if (call?.get("success") === "no") {
    summary.failed++;
    return null;
  }
  const { args, incomplete } = parts.length > 0 ? argumentsOf(parts) : titleOf(fieldsOf("PROCTITLE"));
  const name = (pid: number | null, image: string | null) => ({ host: node, pid, guid: null, image });
  return {
    kind: "start",
    log: "auditd",
    at,
    ...name(auditNumber(call?.get("pid")), auditText(call?.get("exe"))?.text ?? args[0] ?? null),
    parent: { ...name(auditNumber(call?.get("ppid")), null), command: null },
    command: args.length === 0 ? null : { kind: "arguments", arguments: args },
    folder: auditText(fieldsOf("CWD")?.get("cwd"))?.text ?? null,
    incomplete,
  };
}

interface FoundArguments {
  readonly args: readonly string[];
  readonly incomplete: string | null;
}

/** Long ones are told in pieces, `a1[0]=`, `a1[1]=`, and in several records; `argc` may be above what was told. */
export function argumentsOf(records: readonly AuditRecord[]): FoundArguments {
  const pieces = new Map<number, Map<number, string>>();
  let count = 0;
  let isCut = false;
  for (const { fields } of records) {
    count = Math.max(count, auditNumber(fields.get("argc")) ?? 0);
    for (const [name, value] of fields) {
      const found = /^a(\d{1,7})(?:\[(\d{1,7})\])?$/.exec(name);
      if (found === null) continue;
      const text = auditText(value);
      isCut ||= text?.isCut === true;
      const [, index, piece = "0"] = found;
      const ofArgument = pieces.get(Number(index)) ?? new Map<number, string>();
      ofArgument.set(Number(piece), text?.text ?? "");
      pieces.set(Number(index), ofArgument);
    }
  }
  const indices = [...pieces.keys()].sort((a, b) => a - b);
  const args = indices.map((index) =>
    [...(pieces.get(index) ?? [])]
      .sort(([a], [b]) => a - b)
      .map(([, text]) => text)
      .join(""),
  );
  if (isCut) return { args, incomplete: "an argument is cut off" };
  const isGapless = indices.every((index, at) => index === at);
  return {
    args,
    incomplete: count > args.length || !isGapless ? `${args.length} of ${count} arguments were told` : null,
  };
}

/** The title of the process, which the kernel cuts at 128 bytes. */
function titleOf(fields: ReadonlyMap<string, string> | undefined): FoundArguments {
  const title = auditText(fields?.get("proctitle"))?.text ?? "";
  return { args: title === "" ? [] : title.split("\0"), incomplete: "there is no EXECVE record" };
}
