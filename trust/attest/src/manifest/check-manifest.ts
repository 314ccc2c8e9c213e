/** The rules that hold between the entries of a manifest, of a folder that was read and of one that somebody wrote. */
import { attestErrors } from "../errors.ts";
import type { LinkEntry } from "./manifest.ts";
import { findCollision } from "./path-rules.ts";
import { findWrongLink } from "./resolve-link.ts";

/** @param where the entries are from, for the message. @throws NAME_COLLISION */
export function checkCollisions(paths: Iterable<string>, where: string): void {
  const collision = findCollision(paths);
  if (collision === null) return;
  throw attestErrors.error(
    "NAME_COLLISION",
    `${where} has ${shown(collision[0])} and ${shown(collision[1])}, which differ by case or Unicode form only: ` +
      "on other systems they are one. Rename one of them.",
    { details: { paths: collision } },
  );
}

/** @throws LINK_REFUSED */
export function checkLinks(links: readonly LinkEntry[], where: string): void {
  const targets = new Map(links.map(({ path, target }) => [path, target]));
  const wrong = findWrongLink(targets);
  if (wrong === null) return;
  const { path, leads } = wrong;
  const target = targets.get(path) ?? "";
  throw attestErrors.error(
    "LINK_REFUSED",
    `The link ${shown(path)} in ${where} leads ${leads === "round" ? "round in a circle" : "out of it"}, to ${shown(target)}. ` +
      "Put the file there instead, or remove the link.",
    { details: { path, target } },
  );
}

/** Characters of a name that a message has. */
const longestShown = 400;

/** A name in quotes. Two that look alike, as in two Unicode forms, are told apart by their escapes. A long one is cut. */
export function shown(name: string): string {
  const text = name.length > longestShown ? `${name.slice(0, longestShown)}...` : name;
  return `"${text.replace(/[^ -~]/gu, (each) => (/[\p{L}\p{N}]/u.test(each) ? each : `\\u{${each.codePointAt(0)?.toString(16)}}`))}"`;
}
