/** A segment is lines, each one event as JSON and ended by a newline. No event has a newline in it. */
const newline = 0x0a;

/** Without their newlines. What follows the last newline is no line. */
export function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0, end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

export interface WholeLines {
  readonly count: number;
  /** Bytes of these lines, with their newlines. */
  readonly length: number;
}

/**
 * How many lines from the start on are whole: ended, and a JSON object. What a crash left of a write may be cut short or
 * have holes of zeros anywhere, and what comes after the first of these was never acknowledged.
 * @param limit no more than these are counted
 */
export function wholeLines(bytes: Buffer, limit = Number.POSITIVE_INFINITY): WholeLines {
  let count = 0;
  let length = 0;
  while (count < limit) {
    const end = bytes.indexOf(newline, length);
    if (end < 0 || !isObject(bytes.toString("utf8", length, end))) break;
    count++;
    length = end + 1;
  }
  return { count, length };
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
