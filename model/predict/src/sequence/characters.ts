/**
 * What the classes of a reader of text stand for: its characters, and the blank of CTC between them. They are in the
 * metadata `character` as PP-OCR's exports write it, one a line, or are given as the names of the classes.
 */
import type { Model } from "@cupel/onnx";
import { visionErrors } from "@cupel/vision";

export interface Characters {
  /** By class; null where nobody says what the classes stand for. That of the blank is empty. */
  readonly symbols: readonly string[] | null;
  readonly blank: number;
}

/** Words that lists of characters have for what cannot be written on a line of its own. */
const blankWords = ["<blank>", "[blank]", "<blk>", "blank"];
const spaceWord = "<space>";

/** As they stand in the metadata, without the blank; null where it has none. */
export function charactersFromMetadata(model: Pick<Model, "metadata"> | null): readonly string[] | null {
  const text = model?.metadata.get("character");
  // A character may itself be one that other readers take for the end of a line.
  return text === undefined ? null : text.replace(/\r?\n$/, "").split(/\r?\n/);
}

/**
 * A list of as many as the classes has the blank where a line says `<blank>`, else first; of one less, the blank comes
 * before it; of two less, also a space behind it, as PP-OCR does. Null where it has another number.
 * @param count classes.
 */
export function charactersOf(list: readonly string[], count: number): Characters | null {
  const symbols = list.map((symbol) => (symbol === spaceWord ? " " : symbol));
  const missing = count - list.length;
  if (missing === 0) {
    const told = list.findIndex((symbol) => blankWords.includes(symbol.toLowerCase()));
    const blank = Math.max(0, told);
    return { symbols: symbols.with(blank, ""), blank };
  }
  if (missing === 1) return { symbols: ["", ...symbols], blank: 0 };
  return missing === 2 ? { symbols: ["", ...symbols, " "], blank: 0 } : null;
}

/**
 * Names that are given go before the metadata. Without either the classes stay numbers and the first is the blank.
 * @throws LABELS_MISMATCH where the list is not as long as the classes
 */
export function chooseCharacters(
  model: Pick<Model, "metadata"> | null,
  names: readonly string[] | null,
  count: number,
): Characters {
  const list = names ?? charactersFromMetadata(model);
  if (list === null) return { symbols: null, blank: 0 };
  const found = charactersOf(list, count);
  if (found !== null) return found;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `There are ${list.length} characters, but the model has scores of ${count} classes. Give one a line in the order of the classes: ` +
      `all of them with <blank> where the blank stands, or without the blank where it is the first (${count - 1}), or also without a space that is the last (${count - 2}).`,
    { details: { characters: list.length, classes: count } },
  );
}
