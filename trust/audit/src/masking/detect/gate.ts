/**
 * One walk over a text that says which detectors are worth calling. Nearly every value of an event passes it with
 * nothing, and that is what masking costs: about a nanosecond a character.
 */
import { foldsTo, MATHEMATICAL } from "./fold.ts";

/** What a walk finds. They stand apart from the bits of `about`. */
export const gates = {
  number: 1 << 8,
  at: 1 << 9,
  address4: 1 << 10,
  address6: 1 << 11,
  secret: 1 << 12,
  fold: 1 << 13,
} as const;

/** The fewest digits of anything that is looked for: a mobile phone. */
const DIGITS = 11;
/** More separators than this between two digits end a number. */
const SEPARATORS = 3;

/**
 * Of each ASCII character: its place in the alphabet, for the starts of secrets (5 bits), whether it is a digit, and whether it
 * is one of the few that are looked at more closely. Letters and digits take no branch: in a digest none could be foretold.
 */
const LETTER = 31;
const DIGIT_BIT = 5;
const RARE = 1 << 6;
const SEPARATOR = 1 << 7;
const about = new Uint16Array(128);
for (let i = 0; i < 10; i++) about[0x30 + i] = 1 << DIGIT_BIT;
for (let i = 0; i < 26; i++) about[0x41 + i] = about[0x61 + i] = i + 1;
for (const each of " \t\r\n-_().") about[each.charCodeAt(0)] = RARE | SEPARATOR;
const UNDERSCORE = 0x5f;
const DASH = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const QUOTE = 0x22;
about[UNDERSCORE]! |= 27;
about[DASH]! |= 28;
about[COLON] = RARE;
// "password=..."
about["=".charCodeAt(0)] = RARE | gates.secret;
about["@".charCodeAt(0)] = RARE | gates.at;
about["%".charCodeAt(0)] = about["\\".charCodeAt(0)] = RARE | gates.fold;

/** Three characters of what a secret begins with, or of the word that announces one: see `secret.ts`. */
const starts =
  "eyJ AKI ASI ABI ACC AGP AID ARO ANP ANV ghp gho ghu ghs ghr git glp xox AIz npm LTA hvs AGE sk- sk_ rk_ pk_ hf_ " +
  "bea bas tok pas pwd sec api acc cli pri aut coo ---";
const THREE = (1 << 15) - 1;
const startTable = new Uint16Array(THREE + 1);
for (const start of starts.split(" ")) {
  let three = 0;
  for (const each of start) three = (three << 5) | (about[each.charCodeAt(0)]! & LETTER);
  startTable[three] = gates.secret;
}

export function gate(text: string): number {
  let found = 0;
  let digits = 0;
  let three = 0;
  let dots = 0;
  let colons = 0;
  /** Index of the last character that is no separator. */
  let last = -1;
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 128) {
      if (foldsTo[unit] !== 0 || unit === MATHEMATICAL) found |= gates.fold;
      digits = 0;
      continue;
    }
    const its = about[unit]!;
    three = ((three << 5) | (its & LETTER)) & THREE;
    found |= startTable[three]!;
    if ((its & RARE) === 0) {
      digits = (digits + 1) * (its >> DIGIT_BIT);
      last = i;
      if (digits >= DIGITS) found |= gates.number;
    } else if ((its & SEPARATOR) !== 0) {
      if (i - last > SEPARATORS) digits = 0;
      if (unit === DOT && ++dots === 3) found |= gates.address4;
    } else {
      digits = 0;
      last = i;
      if (unit !== COLON) found |= its;
      else {
        if (++colons === 2) found |= gates.address6;
        // JSON in a text: "password":"..."
        if (text.charCodeAt(i - 1) === QUOTE) found |= gates.secret;
      }
    }
  }
  return found & OPEN;
}

const OPEN = Object.values(gates).reduce((all, each) => all | each, 0);
