/** What came from the queue or from a file, before anything is known of it. */

/** Its own members; null for what is no object. */
export function jsonObject(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}
