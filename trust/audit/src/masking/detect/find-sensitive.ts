/** All detectors over one text, in the order of the text; where two hits overlap they are one. */
import { findEmails } from "./email.ts";
import { fold } from "./fold.ts";
import { gate, gates } from "./gate.ts";
import { type DetectedKind, detectedKinds, type Hit } from "./hit.ts";
import { findAddresses4, findAddresses6 } from "./ip-address.ts";
import { findNumbers } from "./numbers.ts";
import { findSecrets, findUserInfo } from "./secret.ts";

const detectors: readonly { readonly gate: number; readonly find: (text: string, hits: Hit[]) => void }[] = [
  { gate: gates.number, find: findNumbers },
  { gate: gates.at, find: findEmails },
  { gate: gates.at, find: findUserInfo },
  { gate: gates.address4, find: findAddresses4 },
  { gate: gates.address6, find: findAddresses6 },
  { gate: gates.secret, find: findSecrets },
];

/** @param kinds that count. @returns null where there is nothing: nearly always, and without an allocation. */
export function findSensitive(text: string, kinds: ReadonlySet<DetectedKind>): readonly Hit[] | null {
  const open = gate(text) & ~(gates.hidden | gates.quote);
  if (open === 0) return null;
  if ((open & gates.fold) === 0) return detect(text, open, kinds);
  const folded = fold(text);
  const hits = detect(folded.text, gate(folded.text), kinds);
  return hits?.map((hit) => ({ ...hit, start: folded.at[hit.start]!, end: folded.at[hit.end]! })) ?? null;
}

function detect(text: string, open: number, kinds: ReadonlySet<DetectedKind>): readonly Hit[] | null {
  const hits: Hit[] = [];
  for (const { gate, find } of detectors) if ((open & gate) !== 0) find(text, hits);
  const wanted = hits.every(({ kind }) => kinds.has(kind))
    ? hits
    : hits.filter(({ kind }) => kinds.has(kind));
  if (wanted.length === 0) return null;
  return wanted.length === 1 ? wanted : joinOverlaps(wanted, text);
}

const rank: ReadonlyMap<DetectedKind, number> = new Map(detectedKinds.map((kind, i) => [kind, i]));

/** Of two that overlap the kind that ranks first stands for both, and nothing of either is left. */
function joinOverlaps(hits: Hit[], text: string): readonly Hit[] {
  const joined: Hit[] = [];
  for (const hit of hits.sort((a, b) => a.start - b.start)) {
    const before = joined.at(-1);
    if (before === undefined || hit.start >= before.end) {
      joined.push(hit);
      continue;
    }
    const first = rank.get(hit.kind)! < rank.get(before.kind)! ? hit : before;
    const start = Math.min(before.start, hit.start);
    const end = Math.max(before.end, hit.end);
    const isThat = first.start === start && first.end === end;
    joined[joined.length - 1] = isThat
      ? first
      : { kind: first.kind, start, end, canonical: text.slice(start, end) };
  }
  return joined;
}
