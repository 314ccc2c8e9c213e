/**
 * Names that come from programs nobody vouches for: what a reader cannot see, or what turns the order of letters round, is
 * written out as JSON would, `\u202e`, so that two names that differ never look the same.
 */

/** Controls, formats, separators of lines and paragraphs, halves of characters. Not the joiners, which scripts are written with. */
const unseen = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

export function visibleText(text: string): string {
  return text.replace(unseen, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}
