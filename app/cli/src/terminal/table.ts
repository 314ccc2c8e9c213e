/** Text in columns: numbers to the right, words to the left, each as wide as it is printed. */
import { visible, visibleLine } from "./visible-text.ts";

/** @param rows the first is the header. A column is set right when every cell below it begins with a digit or sign. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(visibleLine));
  const [header = [], ...body] = cells;
  const columns = header.map((title, c) => ({
    width: body.reduce((most, row) => Math.max(most, row[c]?.length ?? 0), title.length),
    isNumeric: body.length > 0 && body.every((row) => /^([-+]?\d|-$|$)/.test(row[c] ?? "")),
  }));
  return cells
    .map((row) =>
      columns
        .map(({ width, isNumeric }, c) =>
          isNumeric ? (row[c] ?? "").padStart(width) : (row[c] ?? "").padEnd(width),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Names and what is said of them, one a line. A text of several lines hangs under its first. */
export function factsText(facts: readonly (readonly [name: string, text: string])[]): string {
  const lines = facts.map(([name, text]) => [visibleLine(name), visible(text)] as const);
  const width = lines.reduce((most, [name]) => Math.max(most, name.length), 0);
  const hanging = `\n${" ".repeat(width + 2)}`;
  return lines.map(([name, text]) => `${name.padEnd(width)}  ${text.replaceAll("\n", hanging)}`).join("\n");
}
