/** Addresses of electronic mail (RFC 5321, with the letters of RFC 6531): found from the @, outwards. */
import type { Hit } from "./hit.ts";

/** Of a local part, without what stands between addresses and in URLs rather than in them. */
const local = new Uint8Array(128);
for (const each of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.%+~-") {
  local[each.charCodeAt(0)] = 1;
}
/** Letters of other scripts are a local part only where no ASCII stands: Chinese text runs into the address. */
const otherLetter = /[\p{L}\p{M}\p{N}]/u;
/** Labels and dots, the last label of letters: "pkg@1.2.3" is none. */
const domain =
  /(?:[a-z0-9](?:[a-z0-9-]{0,62})?\.)+[a-z][a-z0-9-]*[a-z]|(?:[\p{L}\p{M}\p{N}-]{1,63}\.)+\p{L}{2,63}|\[[0-9a-f.:]{2,45}\]/iuy;
/** RFC 5321: 64 of the local part; some are longer. */
const LONGEST = 256;

export function findEmails(text: string, hits: Hit[]): void {
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    const start = localStart(text, at);
    if (start === at) continue;
    domain.lastIndex = at + 1;
    const host = domain.exec(text)?.[0];
    if (host === undefined) continue;
    const end = at + 1 + host.length;
    hits.push({ kind: "email", start, end, canonical: text.slice(start, end).toLowerCase() });
  }
}

function localStart(text: string, at: number): number {
  if (text[at - 1] === '"') return Math.max(text.lastIndexOf('"', at - 2), 0);
  const least = Math.max(0, at - LONGEST);
  let start = at;
  while (start > least && local[text.charCodeAt(start - 1)] === 1) start--;
  if (start < at) return start;
  while (start > least && otherLetter.test(text[start - 1]!)) start--;
  return start;
}
