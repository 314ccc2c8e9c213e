/** The help, made from the tables that the parser reads. Pure: tables in, text out. */
import type { Option } from "./option.ts";
import type { Operand } from "./parse.ts";

export interface CommandHelp {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** Paragraphs under it; may be empty. */
  readonly description: string;
  readonly operands: readonly Operand[];
  readonly options: readonly Option<unknown>[];
  readonly examples: readonly { readonly line: string; readonly says: string }[];
}

type Named = Pick<CommandHelp, "name" | "summary">;

const width = 100;
const indent = "  ";

export function overview(commands: readonly Named[], globals: readonly Option<unknown>[]): string {
  return sections([
    "cupel shrinks trained vision models (ONNX) and shows, layer by layer, what it cost.",
    `Usage: cupel COMMAND [ARGUMENTS] [OPTIONS]\n${indent}cupel COMMAND --help shows the arguments, options and examples of a command.`,
    titled(
      "Commands",
      columns([
        ...commands.map(({ name, summary }): [string, string] => [name, summary]),
        ["help", "Show this, or with the name of a command its help"],
        ["version", "Print the version"],
      ]),
    ),
    titled("Options of every command", columns(globals.map(optionRow))),
    titled(
      "Exit status",
      columns([
        ["0", "done"],
        ["1", "the size or accuracy asked for cannot be reached"],
        ["64 - 66", "wrong usage, bad data, missing input; the message says which"],
        ["70, 74", "a defect of cupel; a file could not be written"],
        ["130", "interrupted; nothing half-written is left"],
      ]),
    ),
  ]);
}

/** Of commands that share their first word. */
export function groupHelp(
  { name, summary, description }: Pick<CommandHelp, "name" | "summary" | "description">,
  commands: readonly Named[],
): string {
  return sections([
    `cupel ${name}: ${summary}`,
    `Usage: cupel ${name} COMMAND [ARGUMENTS] [OPTIONS]`,
    wrap(description, width, ""),
    titled("Commands", columns(commands.map((each) => [each.name, each.summary]))),
  ]);
}

export function commandHelp(command: CommandHelp, globals: readonly Option<unknown>[]): string {
  const operands = command.operands
    .map(({ name, optional, repeats }) => [optional ? `[${name}]` : name, repeats ? "..." : ""].join(""))
    .join(" ");
  const takesRest = command.operands.at(-1)?.takesRest ?? false;
  const usage = takesRest
    ? ` [OPTIONS] -- ${operands} ...`
    : `${operands === "" ? "" : ` ${operands}`} [OPTIONS]`;
  return sections([
    `cupel ${command.name}: ${command.summary}`,
    `Usage: cupel ${command.name}${usage}`,
    wrap(command.description, width, ""),
    titled("Arguments", columns(command.operands.map(({ name, summary }) => [name, summary]))),
    titled("Options", columns(command.options.map(optionRow))),
    titled("Options of every command", columns(globals.map(optionRow))),
    titled(
      "Examples",
      command.examples.map(({ line, says }) => `${indent}# ${says}\n${indent}${line}`).join("\n"),
    ),
  ]);
}

function optionRow({ name, short, placeholder, summary, fallback }: Option<unknown>): [string, string] {
  const written = `${short === null ? "" : `-${short}, `}--${name}${placeholder === null ? "" : ` ${placeholder}`}`;
  return [written, fallback === null ? summary : `${summary} (default: ${fallback})`];
}

function sections(parts: readonly string[]): string {
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function titled(title: string, body: string): string {
  return body === "" ? "" : `${title}\n${body}`;
}

/** Beyond this, the left column stands on a line of its own. */
const widestLeft = 28;

function columns(rows: readonly (readonly [string, string])[]): string {
  const left = Math.min(widestLeft, Math.max(0, ...rows.map(([name]) => name.length)));
  const hanging = " ".repeat(indent.length + left + 2);
  return rows
    .map(([name, text]) => {
      const wrapped = wrap(text, width - hanging.length, hanging);
      const start = indent + name.padEnd(left);
      return name.length > left ? `${start}\n${hanging}${wrapped}` : `${start}  ${wrapped}`;
    })
    .join("\n");
}

/** Breaks between words; lines after the first begin with `hanging`. Blank lines part paragraphs. */
export function wrap(text: string, columnsWide: number, hanging: string): string {
  return text
    .split("\n")
    .map((paragraph) => {
      const lines = [""];
      for (const word of paragraph.split(" ")) {
        const line = lines.at(-1)!;
        if (line !== "" && line.length + 1 + word.length > columnsWide) lines.push(word);
        else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
      }
      return lines.join(`\n${hanging}`);
    })
    .join(`\n${hanging}`);
}
