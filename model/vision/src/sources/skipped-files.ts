/** What lies among the images and is not read: counted by kind, so that nothing disappears without a word. */
import type { ImageSource, SkippedFiles } from "../image.ts";

/** Paths kept of each kind. */
const EXAMPLES = 5;

/** Paths named in a sentence. */
const NAMED = 3;

export class SkippedList {
  readonly #byKind = new Map<string, { isImage: boolean; count: number; examples: string[] }>();

  add(kind: string, isImage: boolean, path: string): void {
    const key = `${isImage} ${kind}`;
    const entry = this.#byKind.get(key) ?? { isImage, count: 0, examples: [] };
    entry.count++;
    if (entry.examples.length < EXAMPLES) entry.examples.push(path);
    this.#byKind.set(key, entry);
  }

  /** Those that look like images first, the most frequent first. */
  list(): readonly SkippedFiles[] {
    return Array.from(this.#byKind, ([key, entry]) => ({
      kind: key.slice(key.indexOf(" ") + 1),
      ...entry,
    })).sort((a, b) => Number(b.isImage) - Number(a.isImage) || b.count - a.count);
  }
}

/** Says which files look like images and are not read; null when there are none. Other files are not worth a sentence. */
export function skippedSentence({
  location,
  skipped = [],
}: Pick<ImageSource, "location" | "skipped">): string | null {
  const images = skipped.filter(({ isImage }) => isImage);
  const count = images.reduce((sum, kind) => sum + kind.count, 0);
  if (count === 0) return null;
  const kinds = images.map(({ kind, count, examples }) => {
    const more = count > NAMED ? `, and ${count - NAMED} more` : "";
    return `${count} ${kind}${count === 1 ? "" : "s"} (${examples.slice(0, NAMED).join(", ")}${more})`;
  });
  const are = count === 1 ? "file looks like an image and is" : "files look like images and are";
  const isFormat = images.some(({ kind }) => kind.endsWith(" image"));
  return (
    `In ${location}, ${count} ${are} not read: ${kinds.join(", ")}.` +
    (isFormat ? " Convert images of these formats to PNG or JPEG." : "")
  );
}
