/**
 * What one document may ask for. Three bounds are for its author to know and for the owner of the server to set or to be told
 * of (depth, cost, aliases); the others keep parsing and validation short, which grow with the square of some of them.
 */
import type { CupelError } from "@cupel/base";
import { serveErrors } from "../../errors.ts";

export interface DocumentLimits {
  /** Fields within each other. Default 16. */
  readonly depth: number;
  /** Objects asked for, by the most there are of each; a run counts 100. Default 10,000. */
  readonly cost: number;
}

/** Not to be set: what people write by hand or have generated stays far below. */
export const fixedLimits = {
  /** Of the document's text. Images and tensors are variables. */
  characters: 100_000,
  tokens: 10_000,
  /** Braces, brackets and parentheses within each other. */
  nesting: 100,
  directives: 50,
  definitions: 50,
  aliases: 100,
  /** With those of fragments wherever they are spread. */
  fields: 500,
  /** Of them, those that stand where one of the same name stands already: validation compares them in pairs, all that is in them too. */
  repeats: 100,
} as const;

export function tooComplex(
  what: keyof typeof fixedLimits | keyof DocumentLimits,
  count: number,
  limit: number,
): CupelError {
  return serveErrors.error(
    "QUERY_TOO_COMPLEX",
    `The document has ${what} of ${count} or more; the server answers ${limit}. Ask for less, or in several requests.`,
    { details: { limit: what, most: limit }, withoutStack: true },
  );
}

/** @throws QUERY_TOO_COMPLEX */
export function assertAtMost(
  what: keyof typeof fixedLimits | keyof DocumentLimits,
  count: number,
  limit: number,
): void {
  if (count > limit) throw tooComplex(what, count, limit);
}
