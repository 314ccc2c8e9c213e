/**
 * One walk over a text that says which detectors are worth calling. Nearly every value of an event passes it with
 * nothing, and that is what masking costs: about a nanosecond a character.
 */
import { foldsTo, MATHEMATICAL } from "./fold.ts";

// Each apart from the classes below, among which those stand that open a gate at once.
export const gates = { secret: 8, number: 16, address4: 32, address6: 64, at: 128, fold: 256 } as const;

/** The fewest digits of anything that is looked for: a mobile phone. */
const DIGITS = 11;
/** More separators than this between two digits end a number. */
const SEPARATORS = 3;

const OTHER = 0;
const DIGIT = 1;
const LETTER = 2;
const SEPARATOR = 3;
const DOT = 4;
const COLON = 5;
const DASH = 0x2d;
const QUOTE = 0x22;

const classes = new Uint16Array(128);
const fill = (characters: string, its: number): void => {
  for (const each of characters) classes[each.charCodeAt(0)] = its;
};
fill("0123456789", DIGIT);
fill("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", LETTER);
fill(" \t\r\n-_()", SEPARATOR);
fill(".", DOT);
fill("@", gates.at);
fill(":", COLON);
fill("%\\", gates.fold);
// password=...
fill("=", gates.secret);

/** The first three letters of what a secret begins with, or of the word that announces one: see `secret.ts`. */
const starts =
  "eyJ AKI ASI ABI ACC AGP AID ARO ANP ANV ghp gho ghu ghs ghr git glp xox AIz npm LTA hvs AGE sk- sk_ rk_ pk_ hf_ " +
  "bea bas tok pas pwd sec api acc cli pri aut coo";
/** Five bits of each letter: capitals and small letters alike. */
const startIndex = (a: number, b: number, c: number): number => ((a & 31) << 10) | ((b & 31) << 5) | (c & 31);
const startTable = new Uint8Array(1 << 15);
for (const each of starts.split(" ")) {
  startTable[startIndex(each.charCodeAt(0), each.charCodeAt(1), each.charCodeAt(2))] = gates.secret;
}

export function gate(text: string): number {
  let found = 0;
  let digits = 0;
  let separators = 0;
  let dots = 0;
  let colons = 0;
  let dashes = 0;
  let before = OTHER;
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 128) {
      if (foldsTo[unit] !== 0 || unit === MATHEMATICAL) found |= gates.fold;
      before = OTHER;
      digits = 0;
      continue;
    }
    const its = classes[unit]!;
    if (its === LETTER) {
      digits = 0;
      if (before !== LETTER && i + 2 < length) {
        found |= startTable[startIndex(unit, text.charCodeAt(i + 1), text.charCodeAt(i + 2))]!;
      }
    } else if (its === DIGIT) {
      separators = 0;
      if (++digits === DIGITS) found |= gates.number;
    } else if (its === SEPARATOR) {
      if (++separators > SEPARATORS) digits = 0;
      // "-----BEGIN"
      if (unit === DASH && ++dashes === 5) found |= gates.secret;
    } else if (its === DOT) {
      if (++separators > SEPARATORS) digits = 0;
      if (before === DIGIT && ++dots === 3) found |= gates.address4;
    } else {
      digits = 0;
      if (its === COLON) {
        if (++colons === 2) found |= gates.address6;
        // JSON in a text: "password":"..."
        if (text.charCodeAt(i - 1) === QUOTE) found |= gates.secret;
      } else found |= its;
    }
    before = its;
  }
  return found;
}
