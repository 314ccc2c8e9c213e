/**
 * `.env` files as Node.js and the package dotenv read them: `NAME=value` with `export ` before it or not; values in single, double or
 * back quotes may go over several lines; in double quotes `\n` and `\r` are line ends; `#` begins a comment outside of
 * quotes. Nothing is expanded. Docker Compose expands `$NAME`: its dialect has such values as computed.
 */
import type { ParsedSource, Statement } from "../statement.ts";

export interface DotenvOptions {
  /** Whether `$NAME` stands for a value, except in single quotes. Default false. */
  readonly expands?: boolean;
}

const assignment =
  /^[ \t]*(?:export[ \t]+)?([\w.-]+)(?:[ \t]*=[ \t]*|:[ \t]+)('(?:\\'|[^'])*'|"(?:\\"|[^"])*"|`(?:\\`|[^`])*`|[^#\n]*)?[ \t]*(?:#.*)?$/;
const opening = /^[ \t]*(?:export[ \t]+)?[\w.-]+(?:[ \t]*=[ \t]*|:[ \t]+)(['"`])/;

export function parseDotenv(text: string, { expands = false }: DotenvOptions = {}): ParsedSource {
  const statements: Statement[] = [];
  const remarks: string[] = [];
  const lines = text.replaceAll(/\r\n?/g, "\n").split("\n");
  for (let at = 0; at < lines.length; at++) {
    const first = lines[at]!;
    if (/^\s*(#|$)/.test(first)) continue;
    const end = lastLineOf(lines, at);
    const found = assignment.exec(end === at ? first : lines.slice(at, end + 1).join("\n"));
    if (found === null) {
      // Docker takes a name alone as the variable of that name around it.
      const alone = /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*$/.exec(first)?.[1];
      if (alone !== undefined && expands) {
        statements.push({
          kind: "computed",
          name: alone,
          line: at + 1,
          why: "it is taken from the environment around",
        });
      } else remarks.push(`Line ${at + 1} is passed over: it is no NAME=value.`);
      continue;
    }
    const [, name = "", raw = ""] = found;
    statements.push(statementOf(name, raw.trim(), at + 1, expands));
    at = end;
  }
  return { statements, remarks };
}

/** Of a value in quotes that goes on; the line itself where nothing closes it, as in dotenv. */
function lastLineOf(lines: readonly string[], at: number): number {
  const found = opening.exec(lines[at]!);
  if (found === null) return at;
  const [head, quote = ""] = found;
  for (let end = at, from = head.length; end < lines.length; end++, from = 0) {
    const line = lines[end]!;
    for (let i = from; i < line.length; i++) {
      if (line[i] === "\\" && line[i + 1] === quote) i++;
      else if (line[i] === quote) return end;
    }
  }
  return at;
}

function statementOf(name: string, raw: string, line: number, expands: boolean): Statement {
  const quote = /^(['"`])[\s\S]*\1$/.exec(raw)?.[1] ?? null;
  const inner = quote === null || raw.length < 2 ? raw : raw.slice(1, -1);
  if (expands && quote !== "'" && /\$(?!\$)/.test(inner.replaceAll("$$", ""))) {
    return { kind: "computed", name, line, why: "it refers to other variables" };
  }
  const lined = quote === '"' ? inner.replaceAll("\\n", "\n").replaceAll("\\r", "\r") : inner;
  return { kind: "set", name, line, value: expands && quote !== "'" ? lined.replaceAll("$$", "$") : lined };
}
