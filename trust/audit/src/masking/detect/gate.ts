/**
 * One walk over a text that says which detectors are worth calling, and whether it has what is not shown (see
 * `visible-text.ts`). Nearly every value of an event passes it with nothing, and that is what looking at texts costs: a few
 * nanoseconds a character. Values that come again (a model, its digest, a role; each by the stamper and by the masker) are
 * remembered as clean.
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
  /** Never without a hidden character; with a whole pair of surrogates too, which is none. */
  hidden: 1 << 14,
  quote: 1 << 17,
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
/** What a word that announces a secret needs besides: see `secret.ts`. */
const SPACE = 1 << 15;
const ASSIGNMENT = 1 << 16;
const about = new Uint32Array(128).fill(RARE | gates.hidden, 0, 0x20);
about[0x7f] = RARE | gates.hidden;
about['"'.charCodeAt(0)] = RARE | gates.quote;
for (let i = 0; i < 10; i++) about[0x30 + i] = 1 << DIGIT_BIT;
for (let i = 0; i < 26; i++) about[0x41 + i] = about[0x61 + i] = i + 1;
for (const each of "-_().") about[each.charCodeAt(0)] = RARE | SEPARATOR;
for (const each of " \t\n\v\f\r") about[each.charCodeAt(0)]! |= RARE | SEPARATOR | SPACE;
const UNDERSCORE = 0x5f;
const DASH = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
about[UNDERSCORE]! |= 27;
about[DASH]! |= 28;
about[COLON] = about["=".charCodeAt(0)] = RARE | ASSIGNMENT;
about["@".charCodeAt(0)] = RARE | gates.at;
about["%".charCodeAt(0)] = about["\\".charCodeAt(0)] = RARE | gates.fold;

/** Three characters of what a secret begins with: of a word with a space and the secret after it, of one with a colon or an equals sign. */
const AUTHORIZATION = 1 << 0;
const ASSIGNED = 1 << 1;
const starts: readonly (readonly [number, string])[] = [
  [
    gates.secret,
    "eyJ AKI ASI ABI ACC AGP AID ARO ANP ANV ghp gho ghu ghs ghr git glp xox AIz npm LTA hvs AGE sk- sk_ rk_ rk- pk_ pk- hf_ ---",
  ],
  [AUTHORIZATION, "bea bas tok"],
  [ASSIGNED, "pas pwd sec tok api acc cli pri aut coo"],
];
const THREE = (1 << 15) - 1;
const startTable = new Uint16Array(THREE + 1);
for (const [kind, texts] of starts) {
  for (const start of texts.split(" ")) {
    let three = 0;
    for (const each of start) three = (three << 5) | (about[each.charCodeAt(0)]! & LETTER);
    startTable[three]! |= kind;
  }
}

/** Below, a walk costs no more than a look. */
const WORTH_REMEMBERING = 6;
const LONGEST_REMEMBERED = 256;
/** Texts that the walk found nothing in, each at the place that a few of its characters give, and what gave it. */
const PLACES = 1024;
const clean: string[] = new Array<string>(PLACES).fill("");
const signs = new Int32Array(PLACES);

/** A digest, the id of a trace: no detector takes numbers from among its digits, and it has nothing else. */
const hexadecimal = /^(?=\d*[a-f])[0-9a-f]+$/;
const SHORTEST_HEXADECIMAL = 16;

/** @returns gates that are open; 0 where there is nothing, nearly always */
export function gate(text: string): number {
  const { length } = text;
  if (length < WORTH_REMEMBERING || length > LONGEST_REMEMBERED) return walk(text);
  const sign =
    Math.imul(length, 0x9e3779b1) ^
    Math.imul(text.charCodeAt(length - 1), 0x85ebca6b) ^
    Math.imul(text.charCodeAt(length >> 1), 0xc2b2ae35) ^
    Math.imul(text.charCodeAt(length - 3), 0x27d4eb2f);
  const place = sign >>> 22;
  if (signs[place] === sign && clean[place] === text) return 0;
  const found = length >= SHORTEST_HEXADECIMAL && hexadecimal.test(text) ? 0 : walk(text);
  if (found === 0) {
    clean[place] = text;
    signs[place] = sign;
  }
  return found;
}

function walk(text: string): number {
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
      if (isHidden(unit)) found |= gates.hidden;
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
      continue;
    }
    found |= its & ~LETTER;
    if ((its & SEPARATOR) !== 0) {
      if (i - last > SEPARATORS) digits = 0;
      if (unit === DOT && ++dots === 3) found |= gates.address4;
    } else {
      digits = 0;
      last = i;
      if (unit === COLON && ++colons === 2) found |= gates.address6;
    }
  }
  const isSecret =
    ((found & AUTHORIZATION) !== 0 && (found & SPACE) !== 0) ||
    ((found & ASSIGNED) !== 0 && (found & ASSIGNMENT) !== 0);
  return (found & OPEN) | (isSecret ? gates.secret : 0);
}

const OPEN = Object.values(gates).reduce((all, each) => all | each, 0);

function isHidden(unit: number): boolean {
  if (unit < 0x2028) return unit < 0xa0;
  return unit <= 0x202e || (unit >= 0x2066 && unit <= 0x2069) || (unit >= 0xd800 && unit <= 0xdfff);
}
