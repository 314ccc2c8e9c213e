/**
 * Comma-separated values after RFC 4180: fields may be quoted, a quote inside is doubled, line ends are
 * CRLF or LF. A byte-order mark and blank lines are passed over. Spreadsheets of many countries separate by
 * semicolons, exports of databases by tabs: the header tells. No I/O.
 */

export type Separator = "," | ";" | "\t";

/** What separates the fields of the first record: the one that makes most of them, a comma in doubt. */
export function separatorOf(text: string): Separator {
  const header =
    text
      .replace(/^\uFEFF/, "")
      .trimStart()
      .split(/[\r\n]/, 1)[0] ?? "";
  const count = (separator: Separator): number => parseCsv(header, separator)[0]?.length ?? 0;
  const separators: readonly Separator[] = [",", ";", "\t"];
  return separators.reduce((best, each) => (count(each) > count(best) ? each : best));
}

/** Records of fields. A quote left open takes the rest of the text as one field. */
export function parseCsv(text: string, comma: Separator = ","): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let position = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  const endRecord = () => {
    if (record.length > 1 || record[0] !== "") records.push(record);
    record = [];
  };

  while (position < text.length) {
    const { field, next } =
      text[position] === '"' ? quoted(text, position + 1, comma) : bare(text, position, comma);
    record.push(field);
    position = next;
    const separator = text[position];
    position += separator === "\r" && text[position + 1] === "\n" ? 2 : 1;
    if (separator === comma) {
      if (position >= text.length) record.push("");
    } else {
      endRecord();
    }
  }
  if (record.length > 0) endRecord();
  return records;
}

function bare(text: string, start: number, comma: Separator): { field: string; next: number } {
  let end = start;
  while (end < text.length && text[end] !== comma && text[end] !== "\n" && text[end] !== "\r") end++;
  return { field: text.slice(start, end), next: end };
}

function quoted(text: string, start: number, comma: Separator): { field: string; next: number } {
  let field = "";
  let position = start;
  while (position < text.length) {
    const close = text.indexOf('"', position);
    if (close === -1) return { field: field + text.slice(position), next: text.length };
    field += text.slice(position, close);
    if (text[close + 1] !== '"') {
      // Anything between the closing quote and the separator belongs to the field, as spreadsheets read it.
      const rest = bare(text, close + 1, comma);
      return { field: field + rest.field, next: rest.next };
    }
    field += '"';
    position = close + 2;
  }
  return { field, next: position };
}
