/** What statements come to, and the code of an error, as tests of sources compare them. */
import type { ParsedSource, Statement } from "../../src/snapshot/statement.ts";

/** A value; `null` for computed; `undefined` for unset. */
export function valuesOf(statements: readonly Statement[]): Record<string, string | null | undefined> {
  return Object.fromEntries(
    statements.map((each) => [
      each.name,
      each.kind === "set" ? each.value : each.kind === "computed" ? null : undefined,
    ]),
  );
}
export const values = ({ statements }: ParsedSource) => valuesOf(statements);
export const code = (expected: string) => ({ code: expected });
