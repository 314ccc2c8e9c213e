/** An event of the record as one line for a person. */

/** @param event as it was parsed. Null where it is none. */
export function eventLine(index: number, event: unknown): string | null {
  if (typeof event !== "object" || event === null) return null;
  const { time, severity, action, sub, obj, ctx }: Partial<Record<string, unknown>> = { ...event };
  if (typeof time !== "string" || typeof severity !== "string" || typeof action !== "string") return null;
  // A millisecond is fine enough to read; the file has all digits.
  const when = time.replace(/(\.\d{3})\d*Z$/, "$1Z");
  const facts = [...factsOf(sub, ["kind"]), ...factsOf(obj), ...factsOf(ctx)];
  return `${index}  ${when}  ${severity.padEnd(8)}  ${action}  ${facts.join(" ")}`;
}

function factsOf(facts: unknown, without: readonly string[] = []): string[] {
  if (typeof facts !== "object" || facts === null) return [];
  return Object.entries(facts)
    .filter(([name]) => !without.includes(name))
    .map(([name, text]) => `${name}=${/^[^\s"=]+$/.test(String(text)) ? text : JSON.stringify(text)}`);
}
