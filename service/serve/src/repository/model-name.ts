/**
 * Names that models and versions may have. A name becomes part of a URL, a label of a metric and a word of a log, so that
 * its alphabet is closed.
 */

const longest = 128;
const alphabet = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Why the server cannot have a model of these names. */
const reserved: ReadonlyMap<string, string> = new Map([
  ["stats", "clients ask /v2/models/stats for the statistics of all models"],
]);

/** A sentence's end after "The name ...": what is wrong with it; null where nothing is. */
export function modelNameProblem(name: string): string | null {
  if (name.length > longest) return `has ${name.length} characters, and may have ${longest}`;
  if (!alphabet.test(name)) {
    return "must begin with a letter or digit and hold letters, digits, dots, dashes and underscores only";
  }
  const reason = reserved.get(name);
  return reason === undefined ? null : `is taken: ${reason}`;
}

/** Whole numbers from 1 without leading zeros, which JavaScript keeps exactly. */
export function isVersionNumber(name: string): boolean {
  return /^[1-9]\d{0,14}$/.test(name);
}
