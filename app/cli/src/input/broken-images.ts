/** Images that could not be read: counted, listed once each, never passed over in silence. */
import type { BrokenImage } from "@cupel/vision";
import { flag } from "../arguments/option.ts";
import { numberOf } from "../terminal/figures.ts";

export const strictOption = flag({
  name: "strict",
  summary: "Stop at the first image that cannot be read, instead of leaving it out and saying so",
});

const named = 5;

export class BrokenImages {
  /** Several passes may read an image, and each would tell. */
  readonly #byId = new Map<string, string>();

  constructor(broken: readonly BrokenImage[] = []) {
    this.addAll(broken);
  }

  readonly add = ({ id, reason }: Pick<BrokenImage, "id" | "reason">): void => {
    this.#byId.set(id, reason);
  };

  addAll(broken: readonly BrokenImage[]): void {
    for (const each of broken) this.add(each);
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
