/**
 * Text for a terminal: names come from models, files and images of others, and a name may hold what moves the cursor,
 * colours the screen, or turns the order of the letters round. Such characters are printed as JSON writes them, `\u001b`,
 * so that JSON with them escaped is the same JSON. Pure.
 */

/**
 * Controls (C0 and C1), formats (bidirectional, invisible, tags), separators of lines and paragraphs, halves of
 * characters. Not the joiners, which Persian, the languages of India and emoji are written with.
 */
const unseen = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const unseenInLines = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Line ends and tabs stay. What is visible already stays as it is. */
export function visible(text: string): string {
  return text.replace(unseenInLines, escaped);
}

/** One line, whatever is in it: for a name in a table or a sentence, which otherwise could begin a line of its own. */
export function visibleLine(text: string): string {
  return text.replace(unseen, escaped);
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
