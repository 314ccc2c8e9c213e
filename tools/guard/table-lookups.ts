/**
 * Plain objects that are looked up by text. Every object has a "constructor" and a "__proto__" besides its entries, and
 * the text may come from a file: the one way to look a table up is `own` of @cupel/base, to ask whether it has an entry
 * `Object.hasOwn`, and to make one under any name `setOwn`. Or the table is a Map.
 *
 * This reads text, not types: a table is what a file declares as `Record<string, ...>` or by a name that stands for one,
 * and, where the key is called a name, what any file declares so.
 */

export interface Lookup {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

const record = String.raw`(?:Readonly<|Partial<|Promise<)*Record<\s*string\s*,`;
/** What is written between the brackets where it is a name: `name`, `input.name`, `node.opType`, `someKey`. */
const nameKey = /^(?:[\w.]*\.)?(?:name|opType|key|dtype|input|output|\w+Name|\w+Key)!?$/;

/** @param sources by path. @returns every look-up that could find what every object has. */
export function tableLookups(sources: ReadonlyMap<string, string>): Lookup[] {
  const texts = new Map(Array.from(sources, ([path, text]) => [path, codeOf(text)]));
  const names = new Set<string>();
  for (const code of texts.values())
    for (const name of matches(code, `type (\\w+) = ${record}`)) names.add(name);
  const declared = new Map(Array.from(texts, ([path, code]) => [path, tablesIn(code, names)]));
  const anywhere = new Set([...declared.values()].flatMap((tables) => [...tables]));
  return [...texts].flatMap(([path, code]) => {
    const own = declared.get(path)!;
    const found = [...code.matchAll(/([\w$]+)(?:!|\?\.)?\[([^[\]]+(?:\[[^\]]*\])?[^[\]]*)\]/g)]
      .filter(
        ([, table = "", key = ""]) =>
          isLookup(key) &&
          (own.has(table) || (nameKey.test(key) && anywhere.has(table) && !declares(code, table))),
      )
      .map(({ index }) => index);
    // `in` finds what every object has; in a mapped type and in a loop it means something else.
    const asked = path.endsWith("x")
      ? []
      : [...code.matchAll(/(?<![[\w]\s*)(?<!const |let )\b[\w.]+ in [\w.]+/g)].map(({ index }) => index);
    return [...found, ...asked]
      .map((index) => code.slice(0, index).split("\n").length)
      .map((line) => ({ path, line, text: sources.get(path)!.split("\n")[line - 1]!.trim() }));
  });
}

/** Not a number, nor a text that is written there. */
const isLookup = (key: string): boolean => !/^(?:\d+|""|``)$/.test(key.trim());

/** Does the file say what that name is, and that it is no table? */
function declares(code: string, name: string): boolean {
  return new RegExp(`(?:const|let) ${name}\\b|\\b${name}\\??: [^,)]|\\bas ${name}\\b`).test(code);
}

function tablesIn(code: string, names: ReadonlySet<string>): Set<string> {
  const alias = [...names].map((name) => `(?:Readonly<|Partial<)*${name}\\b(?!\\[)`);
  const kinds = [record, ...alias].join("|");
  return new Set([
    ...matches(code, `(\\w+)\\??: (?:${kinds})`),
    ...matches(code, String.raw`(?:const|let) (\w+) = (?:await )?Object\.fromEntries\(`),
  ]);
}

function matches(code: string, pattern: string): string[] {
  return [...code.matchAll(new RegExp(pattern, "g"))].map(([, name]) => name!);
}

/** A regular expression begins where a division cannot: behind one of these. */
const beforeExpression = /[(,=:[!&|?{};+>]\s*$|(?:return|^)\s*$/;

/** One of what is no code, at the place where it begins; null where code stands. */
function otherThanCode(text: string, at: number, before: string): string | null {
  const rest = text.slice(at, at + 2);
  const kind =
    rest === "//"
      ? line
      : rest === "/*"
        ? block
        : text[at] === '"'
          ? double
          : text[at] === "'"
            ? single
            : null;
  const found = kind ?? (text[at] === "/" && beforeExpression.test(before) ? expression : null);
  if (!found) return null;
  found.lastIndex = at;
  return found.exec(text)?.[0] ?? null;
}

const line = /\/\/[^\n]*/y;
const block = /\/\*[\s\S]*?\*\//y;
const double = /"(?:[^"\\\n]|\\.)*"/y;
const single = /'(?:[^'\\\n]|\\.)*'/y;
const expression = /\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//y;

/** Without comments, and with texts emptied but for what templates compute; lines stay where they are. */
function codeOf(text: string): string {
  let code = "";
  /** Of each template that is open: how many braces are, in what it computes; null in its text. */
  const templates: (number | null)[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    const braces = templates.at(-1);
    if (braces === null) {
      if (char === "\\") at++;
      else if (char === "`") templates.pop();
      else if (char === "$" && text[at + 1] === "{") templates[templates.length - 1] = 0;
      code += char === "\n" ? char : char === "`" || (char === "$" && text[at + 1] === "{") ? "`" : "";
      continue;
    }
    const other = otherThanCode(text, at, code.slice(-20));
    if (other !== null) {
      code += (other.startsWith("/") ? "" : '""') + other.replace(/[^\n]/g, "");
      at += other.length - 1;
      continue;
    }
    if (char === "`") templates.push(null);
    else if (braces !== undefined && char === "{") templates[templates.length - 1] = braces + 1;
    else if (braces !== undefined && char === "}")
      templates[templates.length - 1] = braces === 1 ? null : braces - 1;
    code += char;
  }
  return code;
}
