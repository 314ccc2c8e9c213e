/**
 * The files that `EnvironmentFile=` of a systemd unit names (systemd.exec(5)). Close to a shell and none: nothing is expanded,
 * quotes may go over lines, a backslash takes the next character as it is, and within double quotes only before `"`, `\`, `` ` ``
 * and `$`; comments are whole lines that begin with `#` or `;`; there is no `export`.
 */
import type { ParsedSource, Statement } from "../statement.ts";

type State = "before key" | "key" | "before value" | "value" | "single" | "double" | "comment";

/** Of an assignment under way. */
interface Draft {
  key: string;
  value: string;
  /** Length of the value without the white space that ends it outside of quotes. */
  kept: number;
  line: number;
}

export function parseSystemdEnvFile(text: string): ParsedSource {
  const statements: Statement[] = [];
  const remarks: string[] = [];
  let state: State = "before key";
  let line = 1;
  let draft: Draft = { key: "", value: "", kept: 0, line };
  const add = (characters: string, isKept = true) => {
    draft.value += characters;
    if (isKept || !/^\s$/.test(characters)) draft.kept = draft.value.length;
  };
  const finish = () => {
    const name = draft.key.trimEnd();
    if (isName(name)) {
      statements.push({ kind: "set", name, value: draft.value.slice(0, draft.kept), line: draft.line });
    } else remarks.push(`Line ${draft.line} is passed over, as systemd does: its name is none.`);
  };
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    const isEnd = c === "\n" || c === "\r";
    switch (state) {
      case "before key":
        if (c === "#" || c === ";") state = "comment";
        else if (!/\s/.test(c)) {
          draft = { key: c, value: "", kept: 0, line };
          state = "key";
        }
        break;
      case "key":
        if (c === "=") state = "before value";
        else if (isEnd) {
          remarks.push(`Line ${line} is passed over, as systemd does: it has no "=".`);
          state = "before key";
        } else draft.key += c;
        break;
      case "before value":
      case "value":
        if (isEnd) {
          finish();
          state = "before key";
        } else if (c === "\\") {
          const next = text[++at];
          if (next === "\n") line++;
          else if (next !== undefined) add(next);
          state = "value";
        } else if (state === "before value" && (c === "'" || c === '"')) {
          state = c === "'" ? "single" : "double";
        } else if (state === "value" || !/\s/.test(c)) {
          add(c, false);
          state = "value";
        }
        break;
      case "single":
        if (c === "'") state = "before value";
        else add(c);
        break;
      case "double":
        if (c === '"') state = "before value";
        else if (c === "\\") {
          const next = text[++at];
          if (next === "\n") line++;
          else if (next !== undefined) add('"\\`$'.includes(next) ? next : `\\${next}`);
        } else add(c);
        break;
      case "comment":
        if (isEnd) state = "before key";
    }
    if (c === "\n") line++;
  }
  if (["before value", "value", "single", "double"].includes(state)) finish();
  return { statements, remarks };
}

export function isName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}
