/** A log as text, in pieces: UTF-8, or UTF-16 with a mark, as PowerShell writes files; and its lines, of which one has a longest length. */
import { envTraceErrors } from "../../errors.ts";

/** Characters of one line of an audit log, or of one event of Windows. The kernel writes lines of 9 kB at most. */
export const longestRecord = 2 ** 20;

export async function* textOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  let decoder: TextDecoder | null = null;
  let head = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (decoder === null) {
      head = Buffer.concat([head, chunk]);
      if (head.length < 2) continue;
      decoder = new TextDecoder(encodingOf(head));
      yield decoder.decode(head, { stream: true });
    } else yield decoder.decode(chunk, { stream: true });
  }
  yield decoder === null ? head.toString("utf8") : decoder.decode();
}

function encodingOf(head: Buffer): string {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  return head[0] === 0xfe && head[1] === 0xff ? "utf-16be" : "utf-8";
}

/** Without their ends. @throws ENV_LOG_TOO_LARGE */
export async function* linesOf(texts: AsyncIterable<string>, where: string): AsyncIterable<string> {
  let rest = "";
  for await (const text of texts) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > longestRecord) throw tooLong(where);
    for (const line of lines) yield line.endsWith("\r") ? line.slice(0, -1) : line;
  }
  if (rest !== "") yield rest;
}

export function tooLong(where: string) {
  return envTraceErrors.error(
    "ENV_LOG_TOO_LARGE",
    `A record of ${where} has more than ${longestRecord} characters.`,
    {
      details: { log: where, limit: longestRecord },
    },
  );
}
