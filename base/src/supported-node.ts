/**
 * The oldest Node.js that Cupel runs on, checked when this module is loaded. Every package imports base, so
 * on an older one an import fails with this sentence, and not with the first thing that happens to be missing.
 * The module MUST run on any Node.js that has modules, and be the first that base loads.
 */
import { baseErrors } from "./errors.ts";

/** The first major version of Node.js that Cupel supports. */
export const minimumNode = 24;

/** @param version such as "20.20.2". @throws NODE_TOO_OLD */
export function checkNodeVersion(version: string): void {
  if (Number.parseInt(version, 10) >= minimumNode) return;
  throw baseErrors.error(
    "NODE_TOO_OLD",
    `Cupel needs Node.js ${minimumNode} or newer, and this is Node.js ${version}. Run it with a newer Node.js.`,
    { details: { version, minimum: minimumNode } },
  );
}

// A browser has no process; what runs there is checked by its bundler's target.
if (typeof process !== "undefined") checkNodeVersion(process.versions.node);
