/** The version of the command, as its package says it. */
import { readFileSync } from "node:fs";

export function cupelVersion(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  );
  return manifest.version;
}
