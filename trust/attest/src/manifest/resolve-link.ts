/**
 * Where symbolic links lead, found in the manifest and not on the disk. Names alone do not say it: `d/../x` is elsewhere
 * when `d` is itself a link, so each link on the way is taken as the system would. The target of each is walked once,
 * however many others lead through it.
 */
import { deepestPath } from "./path-rules.ts";

/** As Linux counts them before it says ELOOP. */
const mostLinks = 40;

const absolute = /^\/|^[A-Za-z]:/;

/** The path at the end of a link, and of those that it leads to; "" is the folder itself. */
export function followLink(
  path: string,
  targets: ReadonlyMap<string, string>,
): { readonly path: string } | "outside" | "round" {
  const at = path.split("/");
  const left: string[] = [];
  let links = 0;
  let target = targets.get(path);
  for (;;) {
    if (target !== undefined) {
      if (absolute.test(target)) return "outside";
      if (++links > mostLinks) return "round";
      at.pop();
      left.unshift(...target.split("/"));
    }
    const name = left.shift();
    if (name === undefined) return { path: at.join("/") };
    target = undefined;
    if (name === "" || name === ".") continue;
    if (name !== "..") {
      at.push(name);
      target = targets.get(at.join("/"));
    } else if (at.pop() === undefined) {
      return "outside";
    }
  }
}

export interface WrongLink {
  readonly path: string;
  readonly leads: "outside" | "round";
}

/** A name on the way to a link. */
interface Place {
  readonly inside: Map<string, Place>;
  /** The link that lies there. */
  link: Link | null;
}

interface Link {
  readonly path: string;
  readonly target: string;
  /** Where it leads in the end, and through how many links; null before it was walked. */
  end: { readonly way: readonly (Place | null)[]; readonly links: number } | null;
}

/** @param targets of all links, by path. One that does not exist is inside when its path is. @returns null where all lead inside */
export function findWrongLink(targets: ReadonlyMap<string, string>): WrongLink | null {
  const root: Place = { inside: new Map(), link: null };
  const links = [...targets].map(([path, target]) => {
    const link: Link = { path, target, end: null };
    placeOf(root, path).link = link;
    return link;
  });
  for (const link of links) {
    const leads = follow(link, root, 1);
    if (leads !== null) return { path: link.path, leads };
  }
  return null;
}

function placeOf(root: Place, path: string): Place {
  let at = root;
  for (const name of path.split("/")) {
    const next: Place = at.inside.get(name) ?? { inside: new Map(), link: null };
    at.inside.set(name, next);
    at = next;
  }
  return at;
}

/** Sets its end. @param depth of links in links. @returns null where it leads inside */
function follow(link: Link, root: Place, depth: number): WrongLink["leads"] | null {
  if (link.end !== null) return null;
  if (depth > mostLinks) return "round";
  if (absolute.test(link.target)) return "outside";
  // Null is a place in which no link lies.
  let way: (Place | null)[] = wayTo(root, link.path);
  let links = 1;
  for (const name of link.target.split("/")) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (way.pop() === undefined) return "outside";
      continue;
    }
    const place = (way.length === 0 ? root : way.at(-1))?.inside.get(name) ?? null;
    way.push(place);
    // Nothing that a manifest has lies so deep.
    if (way.length > deepestPath) return "outside";
    if (place?.link == null) continue;
    const leads = follow(place.link, root, depth + 1);
    if (leads !== null) return leads;
    links += place.link.end?.links ?? 0;
    if (links > mostLinks) return "round";
    way = [...(place.link.end?.way ?? [])];
  }
  link.end = { way, links };
  return null;
}

/** The folders above it, from the top. */
function wayTo(root: Place, path: string): Place[] {
  const way: Place[] = [];
  let at = root;
  for (const name of path.split("/").slice(0, -1)) {
    at = at.inside.get(name) ?? at;
    way.push(at);
  }
  return way;
}
