/**
 * Prints a result while it is made: lines for a person, or one JSON object piece by piece. The object is whole
 * whatever happens on the way; what went wrong is then its `error`.
 */
import { type CupelError, errorFrom } from "@cupel/base";
import type { StreamedResult } from "../commands/command.ts";
import type { Terminal } from "./terminal.ts";

interface Printing {
  readonly isJson: boolean;
  readonly terminal: Pick<Terminal, "write">;
  readonly signal: AbortSignal;
}

/**
 * @param about the first keys of the object. @param remarks grows while the list is made.
 * @returns what went wrong, printed or not; null also where the reader went away
 */
export async function printStream(
  { begin, list, items, end }: StreamedResult,
  about: Readonly<Record<string, unknown>>,
  remarks: readonly string[],
  { isJson, terminal, signal }: Printing,
): Promise<CupelError | null> {
  const head = JSON.stringify({ ...about, ...begin.json }).slice(0, -1);
  let isRead = await terminal.write(isJson ? `${head},${JSON.stringify(list)}:[` : line(begin.text));
  let failure: CupelError | null = null;
  let separator = "\n";
  try {
    for await (const { json, text } of items) {
      if (!isRead) return null;
      isRead = await terminal.write(isJson ? `${separator}${JSON.stringify(json)}` : line(text));
      separator = ",\n";
    }
  } catch (thrown) {
    failure = errorFrom(thrown, signal);
  }
  if (!isRead) return failure;
  const last = end();
  failure ??= last.failure ?? null;
  const rest = JSON.stringify({ ...last.json, remarks, ...(failure && { error: failure }) }).slice(1);
  await terminal.write(isJson ? `],${rest}\n` : line(last.text));
  return failure;
}

function line(text: string): string {
  return text === "" ? "" : `${text}\n`;
}
