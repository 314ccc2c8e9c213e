/**
 * The text that a fact may be: without control characters, which a terminal or a log reader obeys; without marks that
 * turn the direction of writing, which show another text than is there; without halves of surrogate pairs, which no UTF-8
 * has. What a client chose (a name, an error message that repeats it) may have any of them, and must be recorded all
 * the same: each is replaced by a sign that shows it.
 */

/** The inside of a class of characters. With the flag u a pair is one character, and D800-DFFF are halves. */
const hiddenRanges = "\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff";

/** For JSON Schema, which reads patterns with the flag u. */
export const visiblePattern = `^[^${hiddenRanges}]*$`;

/** Without the flag u, which is slower: whole pairs are looked at again. */
const suspicious = new RegExp(`[${hiddenRanges}]`);
const hidden = new RegExp(`[${hiddenRanges}]`, "gu");

export function visibleText(text: string): string {
  return suspicious.test(text) ? text.replace(hidden, signOf) : text;
}

/** Of the block Control Pictures, which has a sign for each of the first 32 and for DEL. */
function signOf(hidden: string): string {
  const code = hidden.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
}
