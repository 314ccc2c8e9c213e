/**
 * `/etc/environment`, which pam_env reads. Its grammar is not that of a shell (Linux-PAM, pam_env(8)): nothing is expanded; `#`
 * ends a line wherever it stands, also within quotes; an opening quote goes, and a closing one where it is the last
 * character; `export ` before a name is passed over; a name alone removes the variable; a backslash at the end goes on
 * with the next line.
 */
import type { ParsedSource, Statement } from "../statement.ts";

export function parsePamEnvironment(text: string): ParsedSource {
  const statements: Statement[] = [];
  const remarks: string[] = [];
  for (const { line, content } of assembledLines(text, remarks)) {
    const entry = content.replace(/^export /, "");
    const equals = entry.indexOf("=");
    const name = equals < 0 ? entry : entry.slice(0, equals);
    if (name === "" || !/^[A-Za-z0-9_]+$/.test(name)) {
      remarks.push(
        `Line ${line} is passed over, as pam_env does: its name has other characters than letters, digits and _.`,
      );
    } else if (equals < 0) statements.push({ kind: "unset", name, line });
    else statements.push({ kind: "set", name, line, value: unquoted(entry.slice(equals + 1)) });
  }
  return { statements, remarks };
}

interface AssembledLine {
  readonly line: number;
  readonly content: string;
}

function* assembledLines(text: string, remarks: string[]): Iterable<AssembledLine> {
  let held: AssembledLine | null = null;
  const lines = text.split("\n");
  for (const [at, raw] of lines.entries()) {
    // Also within a continued line.
    if (/^[ \t]*(#|$)/.test(raw)) continue;
    const hash = raw.indexOf("#");
    const content: string = (held?.content ?? "") + (hash < 0 ? raw : raw.slice(0, hash));
    const { line }: { readonly line: number } = held ?? { line: at + 1 };
    const end = content.trimEnd();
    held = hash < 0 && end.endsWith("\\") ? { line, content: end.slice(0, -1) } : null;
    if (held === null) yield { line, content: content.replace(/^[ \t]+/, "") };
  }
  if (held !== null) {
    remarks.push(`Line ${held.line} is passed over, as pam_env does: it goes on, and the file ends.`);
  }
}

function unquoted(value: string): string {
  const quote = value[0];
  if (quote !== '"' && quote !== "'") return value;
  return /["']$/.test(value.slice(1)) ? value.slice(1, -1) : value.slice(1);
}
