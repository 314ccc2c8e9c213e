/**
 * The environment that a process was started with, as Linux shows it: `NAME=value` ended by zeros, as bytes. What the process has set since is
 * not in it. Of a name that stands twice the first counts, as for getenv.
 */
import { surrogateEscape } from "../source-text.ts";
import type { ParsedSource, Statement } from "../statement.ts";

export function parseProcEnviron(bytes: Buffer): ParsedSource {
  const statements = new Map<string, Statement>();
  const remarks: string[] = [];
  let nameless = 0;
  const twice = new Set<string>();
  for (let start = 0; start < bytes.length; ) {
    const zero = bytes.indexOf(0, start);
    const end = zero < 0 ? bytes.length : zero;
    const equals = bytes.indexOf(0x3d, start);
    if (equals <= start || equals >= end) {
      if (end > start) nameless++;
    } else {
      const name = surrogateEscape(bytes.subarray(start, equals));
      if (statements.has(name)) twice.add(name);
      else
        statements.set(name, {
          kind: "set",
          name,
          line: null,
          value: surrogateEscape(bytes.subarray(equals + 1, end)),
        });
    }
    start = end + 1;
  }
  if (bytes.length === 0) remarks.push("It has no environment: it is a thread of the kernel, or is ending.");
  if (nameless > 0) remarks.push(`Entries without a name or without "=" were passed over: ${nameless}.`);
  if (twice.size > 0) remarks.push(`Names that stand twice, of which the first counts: ${twice.size}.`);
  return { statements: [...statements.values()], remarks };
}
