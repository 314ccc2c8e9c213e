/**
 * Where a symbolic link leads, found in the manifest and not on the disk. Names alone do not say it: `d/../x` is
 * elsewhere when `d` is itself a link, so each link on the way is taken as the system would.
 */

/** As Linux counts them before it says ELOOP. */
const mostLinks = 40;

const absolute = /^\/|^[A-Za-z]:/;

/** @param targets of all links, by path. A target that does not exist is inside when its path is. */
export function linkLeads(
  path: string,
  targets: ReadonlyMap<string, string>,
): "inside" | "outside" | "round" {
  const end = followLink(path, targets);
  return end === "outside" || end === "round" ? end : "inside";
}

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
