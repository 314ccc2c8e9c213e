/**
 * A collection of garbage at once. The memory of maps that are closed or forgotten is returned when it is collected,
 * and the engine, which sees small objects only, is in no hurry: before a new map is refused, it is told to be.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

export function collectGarbage(): void {
  if (collect === undefined) {
    // `gc` comes with contexts that are made from here on; this program's own stays without.
    setFlagsFromString("--expose-gc");
    const found: unknown = runInNewContext("globalThis.gc");
    collect = typeof found === "function" ? () => void found() : () => {};
    setFlagsFromString("--no-expose-gc");
  }
  collect();
}
