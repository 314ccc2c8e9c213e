/**
 * What a source says of variables. The values are in memory only until a snapshot has hashed them: nothing that is written
 * or printed has this form.
 */
import { envTraceErrors } from "../errors.ts";

export type Statement = SetStatement | ComputedStatement | UnsetStatement;

interface About {
  readonly name: string;
  /** Counted from 1; null where the source has no lines. */
  readonly line: number | null;
}

export interface SetStatement extends About {
  readonly kind: "set";
  /** Bytes that are no UTF-8 are in it as `surrogateEscape` has them. */
  readonly value: string;
}

/** It is set, and to what is known only when something runs. It is never guessed. */
export interface ComputedStatement extends About {
  readonly kind: "computed";
  /** Completes "its value is not known: ...". Has names, never a value. */
  readonly why: string;
}

export interface UnsetStatement extends About {
  readonly kind: "unset";
}

/**
 * Characters of a value that refers to others. Linux takes 131,072 bytes, Windows 32,767 characters; references of
 * references could ask for more than there is memory.
 */
export const longestExpansion = 131_072;
export const tooLong = "it would be longer than any system takes";

export interface ParsedSource {
  /** In their order: a later one of a name takes the place of an earlier. */
  readonly statements: readonly Statement[];
  /** Sentences on what was passed over. */
  readonly remarks: readonly string[];
}

/** @param where the path, for the message. @param line null for the whole. @param problem completes "...: it ". */
export function invalidSource(where: string, line: number | null, problem: string, cause?: unknown) {
  const place = line === null ? where : `${where}, line ${line}`;
  return envTraceErrors.error("ENV_SOURCE_INVALID", `${place}: ${problem}.`, {
    cause,
    details: { source: where, ...(line === null ? {} : { line }) },
  });
}
