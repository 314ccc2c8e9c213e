/** Messages of diagnostic channels have no types, and what is in them may be another thing in another version. */
export function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** "" where it is no text. */
export function textOf(value: unknown, name: string): string {
  const member = memberOf(value, name);
  return typeof member === "string" ? member : "";
}

/** NaN where it is no number. */
export function numberOf(value: unknown, name: string): number {
  const member = memberOf(value, name);
  return typeof member === "number" ? member : Number.NaN;
}
