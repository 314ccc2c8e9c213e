/** A log of processes whose kind is told by how it begins: XML is of Windows, all else of the Linux audit daemon. */
import type { LogSummary, ProcessEvent } from "../process-event.ts";
import { readAuditd } from "./auditd.ts";
import { readWindowsEvents } from "./windows-events.ts";

/** @param summary is filled while the log is read; its kind is set. @throws ENV_LOG_INVALID, ENV_LOG_TOO_LARGE */
export async function* readLog(
  chunks: AsyncIterable<Uint8Array>,
  where: string,
  summary: { -readonly [Name in keyof LogSummary]: LogSummary[Name] },
): AsyncIterable<ProcessEvent> {
  const iterator = chunks[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let sign = "";
  // White space and marks of Unicode may be all that comes first.
  while (sign === "") {
    const next = await iterator.next();
    if (next.done) break;
    head.push(next.value);
    sign = /[^\s\0\xff\xfe\xef\xbb\xbf]/.exec(Buffer.from(next.value).toString("latin1"))?.[0] ?? "";
  }
  async function* whole(): AsyncIterable<Uint8Array> {
    yield* head;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  // Tools that print events one by one put "Record 1" before each.
  const isWindows = sign === "<" || sign === "R";
  summary.kind = isWindows ? "windows" : "auditd";
  yield* isWindows ? readWindowsEvents(whole(), where, summary) : readAuditd(whole(), where, summary);
}
