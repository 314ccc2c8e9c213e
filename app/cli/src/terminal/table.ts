/** Text in columns: numbers to the right, words to the left. */

/** @param rows the first is the header. A column is set right when every cell below it begins with a digit or sign. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const [header = [], ...body] = rows;
  const columns = header.map((title, c) => ({
    width: Math.max(title.length, ...body.map((row) => row[c]?.length ?? 0)),
    isNumeric: body.length > 0 && body.every((row) => /^([-+]?\d|-$|$)/.test(row[c] ?? "")),
  }));
  return rows
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
  const width = Math.max(0, ...facts.map(([name]) => name.length));
  const hanging = `\n${" ".repeat(width + 2)}`;
  return facts.map(([name, text]) => `${name.padEnd(width)}  ${text.replaceAll("\n", hanging)}`).join("\n");
}
