/** Comma-separated values after RFC 4180, for a program or a spreadsheet. Pure: values in, a line out. */

/**
 * Text that a spreadsheet would take for a formula begins with an apostrophe, which it does not show: names come
 * from files and models of others. Numbers are written as they are.
 */
export function csvLine(values: readonly (string | number)[]): string {
  return values
    .map((value) => (typeof value === "number" ? String(value) : quoted(harmless(value))))
    .join(",");
}

function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
