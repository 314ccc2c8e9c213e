/** What the connections of a kind come to: medians with 95 % intervals, in ms and in round trips of the link. Pure. */
import { type MedianInterval, medianInterval } from "@cupel/base";
import type { FirstCall } from "./first-call.ts";
import type { HandshakeKind } from "./handshake-kinds.ts";

/** Of the connections that ended as their kind does; null: of none. */
export interface HandshakeSummary {
  readonly kind: HandshakeKind;
  readonly connections: number;
  /** How many ended how, by "200", another status or the code of an error. */
  readonly ends: Readonly<Record<string, number>>;
  /** Those that did not end as their kind does, or took no ticket that they had: in no other figure. */
  readonly unlike: number;
  /** Parts of the way, ms: until TCP is connected, from there until TLS is agreed, from there until the end. */
  readonly tcp: MedianInterval | null;
  readonly tls: MedianInterval | null;
  readonly call: MedianInterval | null;
  /** From the begin to the end, ms. */
  readonly total: MedianInterval | null;
  readonly slowestMs: number | null;
  /** The whole, in medians of the link's measured round trip. */
  readonly roundTrips: MedianInterval | null;
  readonly bytes: MedianInterval | null;
  /** The first error, in its own words. */
  readonly reason: string | null;
}

/** @param calls of each kind. @param roundTripMs of the link, its median */
export function summariseHandshakes(
  kinds: readonly HandshakeKind[],
  calls: readonly (readonly FirstCall[])[],
  roundTripMs: number,
): readonly HandshakeSummary[] {
  return kinds.map((kind, index) => summariseKind(kind, calls[index] ?? [], roundTripMs));
}

function summariseKind(
  kind: HandshakeKind,
  calls: readonly FirstCall[],
  roundTripMs: number,
): HandshakeSummary {
  const alike = calls.filter((call) => endsAs(kind, call));
  const of = (figure: (call: FirstCall) => number | null): MedianInterval | null => {
    const values = alike.map(figure).filter((each) => each !== null);
    return values.length === 0 ? null : medianInterval(values);
  };
  const ends = Map.groupBy(calls, ({ end }) => end);
  return {
    kind,
    connections: calls.length,
    ends: Object.fromEntries(ends.entries().map(([end, those]) => [end, those.length])),
    unlike: calls.length - alike.length,
    tcp: of(({ tcpMs }) => tcpMs),
    tls: of(({ tcpMs, tlsMs }) => (tcpMs === null || tlsMs === null ? null : tlsMs - tcpMs)),
    call: of(({ tcpMs, tlsMs, totalMs }) => (tcpMs === null ? null : totalMs - (tlsMs ?? tcpMs))),
    total: of(({ totalMs }) => totalMs),
    slowestMs: alike.length === 0 ? null : Math.max(...alike.map(({ totalMs }) => totalMs)),
    roundTrips: of(({ totalMs }) => totalMs / roundTripMs),
    bytes: of(({ bytes }) => bytes),
    reason: calls.find(({ reason }) => reason !== "")?.reason ?? null,
  };
}

function endsAs({ ends, tls }: HandshakeKind, { end, isResumed }: FirstCall): boolean {
  if (ends === "error") return end !== "200" && end !== "deadline" && end !== "DEADLINE_EXCEEDED";
  return end === "200" && isResumed === (tls?.isResumed ?? false);
}
