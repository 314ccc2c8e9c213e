/**
 * PowerShell as tokens (about_Parsing, about_Quoting_Rules): texts with the variables in them, variables of the environment and of the
 * script, words, and signs. No more than is needed to see what is done with the environment.
 */
export type PowerShellToken =
  /** @property variables of a text in double quotes: "env:X" or "x", in small letters */
  | { readonly kind: "text"; readonly text: string; readonly variables: readonly string[] }
  /** `$env:X`, `${env:X}`: its name as written. */
  | { readonly kind: "environment"; readonly name: string }
  /** `$x`, in small letters. */
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "word"; readonly text: string }
  | { readonly kind: "sign"; readonly text: string }
  /** A line end, ";" */
  | { readonly kind: "end" };

const signs = ["+=", "-=", "&&", "||", "::", "=", "|", "&", "(", ")", "{", "}", "[", "]", ",", "."];

export function powerShellTokens(script: string): PowerShellToken[] {
  const tokens: PowerShellToken[] = [];
  let at = 0;
  const rest = () => script.slice(at);
  while (at < script.length) {
    const c = script[at]!;
    if (c === "\n" || c === ";") {
      tokens.push({ kind: "end" });
      at++;
    } else if (/\s/.test(c)) at++;
    else if (c === "`" && /[\r\n]/.test(script[at + 1] ?? "")) at += script[at + 1] === "\r" ? 3 : 2;
    else if (c === "#") at = endOr(script.indexOf("\n", at), script);
    else if (script.startsWith("<#", at)) at = endOr(script.indexOf("#>", at), script, 2);
    else if (/^@['"]\r?\n/.test(script.slice(at, at + 4))) {
      const quote = script[at + 1]!;
      const from = script.indexOf("\n", at) + 1;
      const end = script.indexOf(`\n${quote}@`, from - 1);
      const text = script.slice(from, end < 0 ? undefined : Math.max(from, end));
      tokens.push({ kind: "text", text, variables: quote === '"' ? variablesIn(text) : [] });
      at = endOr(end, script, 3);
    } else if (c === "'" || c === "\u2018" || c === "\u2019") {
      const found = /^['\u2018\u2019]((?:[^'\u2018\u2019]|['\u2018\u2019]{2})*)['\u2018\u2019]?/.exec(rest());
      tokens.push({ kind: "text", text: (found?.[1] ?? "").replaceAll("''", "'"), variables: [] });
      at += found?.[0].length ?? 1;
    } else if (c === '"' || c === "\u201c" || c === "\u201d") {
      const found =
        /^["\u201c\u201d]((?:`[\s\S]|["\u201c\u201d]{2}|[^"`\u201c\u201d])*)["\u201c\u201d]?/.exec(rest());
      const inner = found?.[1] ?? "";
      tokens.push({
        kind: "text",
        text: inner.replaceAll('""', '"').replaceAll(/`([\s\S])/g, "$1"),
        variables: variablesIn(inner),
      });
      at += found?.[0].length ?? 1;
    } else if (c === "$") {
      const found = variableAt(script, at);
      if (found === null) at++;
      else {
        tokens.push(found.token);
        at = found.end;
      }
    } else {
      const sign = signs.find((each) => script.startsWith(each, at));
      // A dot alone runs a file; one within a word is part of it.
      const isWord = sign === undefined || (sign === "." && /[^\s$"'(&]/.test(script[at + 1] ?? " "));
      if (isWord) {
        const word = /^(?:`[\s\S]|[^\s;|&(){}"'`,=[\]]|(?<=[\w-])=(?!=))+/.exec(rest())?.[0] ?? c;
        // `[Environment]::X(` is told apart by its signs.
        const plain = word.replaceAll(/`([\s\S])/g, "$1");
        tokens.push({ kind: "word", text: plain });
        at += word.length;
      } else {
        tokens.push({ kind: "sign", text: sign });
        at += sign.length;
      }
    }
  }
  tokens.push({ kind: "end" });
  return tokens;
}

function endOr(found: number, script: string, length = 0): number {
  return found < 0 ? script.length : found + length;
}

function variableAt(
  script: string,
  at: number,
): { readonly token: PowerShellToken; readonly end: number } | null {
  const found = /^\$(?:\{([^}]*)\}|((?:\w+:)?\w+|[?^$_]))/.exec(script.slice(at, at + 4096));
  if (found === null) return null;
  const [whole, braced, plain] = found;
  const name = (braced ?? plain ?? "").replaceAll("`", "");
  const end = at + whole.length;
  const environment = /^env:(.+)$/is.exec(name)?.[1];
  if (environment !== undefined) return { token: { kind: "environment", name: environment }, end };
  return {
    token: { kind: "variable", name: name.toLowerCase().replace(/^(script|global|local|private):/, "") },
    end,
  };
}

function variablesIn(text: string): string[] {
  const found: string[] = [];
  for (const match of text.matchAll(/(`*)\$/g)) {
    if (match[1]!.length % 2 === 1) continue;
    const variable = variableAt(text, match.index + match[1]!.length)?.token;
    if (variable?.kind === "environment") found.push(`env:${variable.name}`);
    else if (variable?.kind === "variable") found.push(variable.name);
  }
  return found;
}
