/** Images that could not be read: counted, listed once each, never passed over in silence. */
import type { UnreadableImage } from "@cupel/vision";
import { flag } from "../arguments/option.ts";
import { numberOf } from "../terminal/figures.ts";

export const strictOption = flag({
  name: "strict",
  summary: "Stop at the first image that cannot be read, instead of leaving it out and saying so",
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

  /** Null when all could be read. */
  sentence(): string | null {
    const ids = [...this.#byId.keys()];
    if (ids.length === 0) return null;
    const more = ids.length > named ? `, and ${ids.length - named} more` : "";
    return `${numberOf(ids.length, "image")} could not be read and ${ids.length === 1 ? "was" : "were"} left out: ${ids.slice(0, named).join(", ")}${more}.`;
  }

  toJSON(): { id: string; reason: string }[] {
    return Array.from(this.#byId, ([id, reason]) => ({ id, reason }));
  }
}
