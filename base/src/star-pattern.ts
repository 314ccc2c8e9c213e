/**
 * Names that a person means by a pattern in which `*` stands for anything, also nothing. Each piece between two stars is
 * taken where it first occurs, which is right whenever any place is: nothing is ever tried again, as a regular
 * expression would, whose time on the names of a stranger's file has no bound.
 */
export function starPattern(pattern: string): (name: string) => boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return (name) => name === pattern;
  const between = rest.filter((piece) => piece !== "");
  return (name) => {
    const end = name.length - last.length;
    if (end < first.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    let at = first.length;
    for (const piece of between) {
      const found = name.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return at <= end;
  };
}
