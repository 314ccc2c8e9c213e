/**
 * Other spellings of the same characters: full-width and other digits, dashes, spaces, invisible characters, and what URLs
 * and JSON escape. A text is searched in its folded form; `at` leads back to where each character stands.
 */

const DROPPED = 255;
/** What a UTF-16 unit folds to: 0 itself, 255 nothing, else that ASCII character. */
export const foldsTo: Uint8Array = foldTable();
/** Leads the pairs of the mathematical alphabets, whose digits are read too. */
export const MATHEMATICAL = 0xd835;

const MATHEMATICAL_DIGITS = { first: 0xdfce, last: 0xdfff };
const escaped = /%([0-7][0-9a-f])|\\u([0-9a-f]{4})/giy;

export interface Folded {
  readonly text: string;
  /** Of each unit of `text` and of its end: the index in the original. */
  readonly at: Uint32Array;
}

export function fold(original: string): Folded {
  const at = new Uint32Array(original.length + 1);
  let text = "";
  for (let i = 0; i < original.length; ) {
    const { unit, length } = unitAt(original, i);
    const to = foldsTo[unit]!;
    if (to !== DROPPED) {
      at[text.length] = i;
      text += String.fromCharCode(to || unit);
    }
    i += length;
  }
  at[text.length] = original.length;
  return { text, at };
}

function unitAt(text: string, index: number): { readonly unit: number; readonly length: number } {
  const unit = text.charCodeAt(index);
  if (unit === 0x25 || unit === 0x5c) {
    escaped.lastIndex = index;
    const [whole, percent, unicode] = escaped.exec(text) ?? [];
    if (whole !== undefined) return { unit: Number.parseInt(percent ?? unicode!, 16), length: whole.length };
  }
  if (unit === MATHEMATICAL) {
    const low = text.charCodeAt(index + 1);
    if (low >= MATHEMATICAL_DIGITS.first && low <= MATHEMATICAL_DIGITS.last) {
      return { unit: 0x30 + ((low - MATHEMATICAL_DIGITS.first) % 10), length: 2 };
    }
  }
  return { unit, length: 1 };
}

function foldTable(): Uint8Array {
  const table = new Uint8Array(0x1_0000);
  const candidate = /[\p{Nd}\p{No}\p{Pd}\p{Zs}\p{Cf}]/u;
  let zero = 0;
  for (let unit = 0x80; unit < 0x1_0000; unit++) {
    const character = String.fromCharCode(unit);
    if (!candidate.test(character)) continue;
    if (/\p{Nd}/u.test(character)) {
      // The digits of each script stand together, from nought to nine.
      if (!zero || unit > zero + 9) zero = unit;
      table[unit] = 0x30 + unit - zero;
    } else if (/\p{Pd}/u.test(character)) table[unit] = 0x2d;
    else if (/\p{Zs}/u.test(character)) table[unit] = 0x20;
    else if (/\p{Cf}/u.test(character)) table[unit] = DROPPED;
    else if (/^\d$/.test(character.normalize("NFKC")))
      table[unit] = character.normalize("NFKC").charCodeAt(0);
  }
  // The full-width forms of ASCII.
  for (let unit = 0xff01; unit <= 0xff5e; unit++) table[unit] = unit - 0xfee0;
  const singles = { "\u2212": "-", "\u00b7": "-", "\u30fb": "-", "\u3002": ".", "\uff61": "." };
  for (const [from, to] of Object.entries(singles)) table[from.charCodeAt(0)] = to.charCodeAt(0);
  return table;
}
