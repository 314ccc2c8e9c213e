/** A collection of the whole heap of this thread, at once. What is collected with its holder, such as threads, follows soon after. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

export function collectGarbage(): void {
  if (collect === undefined) {
    // Node has no call for it. The flag makes it a global of contexts that are made after; one is made and kept.
    setFlagsFromString("--expose-gc");
    const found: unknown = runInNewContext("gc");
    setFlagsFromString("--no-expose-gc");
    collect = typeof found === "function" ? () => void found() : () => {};
  }
  collect();
}
