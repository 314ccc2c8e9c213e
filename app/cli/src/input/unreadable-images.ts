/** Images that could not be read: counted, listed once each, never passed over in silence. */
import { type ImageSource, type UnreadableImage, unreadableClasses } from "@cupel/vision";
import { flag } from "../arguments/option.ts";
import { numberOf } from "../terminal/figures.ts";

export const strictOption = flag({
  name: "strict",
  summary:
    "Stop at the first image that cannot be read, and at files that look like images and are not read, instead of leaving them out and saying so",
});

const named = 5;

export class UnreadableImages {
  /** Several passes may read an image, and each would tell. */
  readonly #byId = new Map<string, string>();

  constructor(unreadable: readonly UnreadableImage[] = []) {
    this.addAll(unreadable);
  }

  readonly add = ({ id, reason }: Pick<UnreadableImage, "id" | "reason">): void => {
    this.#byId.set(id, reason);
  };

  addAll(unreadable: readonly UnreadableImage[]): void {
    for (const each of unreadable) this.add(each);
  }

  /** Null when all could be read. @param source whose classes are named when all of their images are unreadable. */
  sentence(source: ImageSource): string | null {
    const ids = [...this.#byId.keys()];
    if (ids.length === 0) return null;
    const more = ids.length > named ? `, and ${ids.length - named} more` : "";
    const sentence = `${numberOf(ids.length, "image")} could not be read and ${ids.length === 1 ? "was" : "were"} left out: ${ids.slice(0, named).join(", ")}${more}.`;
    const classes = unreadableClasses(source, new Set(ids));
    return classes.length === 0 ? sentence : `${sentence} ${lostText(classes)}`;
  }

  toJSON(): { id: string; reason: string }[] {
    return Array.from(this.#byId, ([id, reason]) => ({ id, reason }));
  }
}

function lostText(classes: readonly string[]): string {
  const more = classes.length > named ? `, and ${classes.length - named} more` : "";
  const these = classes.length === 1 ? "the class" : `${classes.length} classes:`;
  return `No image of ${these} ${classes.slice(0, named).join(", ")}${more} could be read.`;
}
