/**
 * The time that a client waits, as no longer than a timer can: the library hands what a client says to setTimeout, which
 * fires at once for more than 24.8 days, and clients that wait "for ever" say years.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, https://connectrpc.com/docs/protocol
 */
import { longestTimeoutMs } from "../access/deadline.ts";

/** In ms; units below these cannot say so much in 8 digits. */
const units: ReadonlyMap<string, number> = new Map([
  ["H", 3_600_000],
  ["M", 60_000],
  ["S", 1_000],
]);

/** Shortens it in place. What is no time is left for the library to refuse. */
export function boundTimeout(header: Headers): void {
  const [, digits, unit = ""] = /^(\d{1,8})([HMS])$/.exec(header.get("grpc-timeout") ?? "") ?? [];
  if (Number(digits) * (units.get(unit) ?? 0) > longestTimeoutMs)
    header.set("grpc-timeout", `${Math.floor(longestTimeoutMs / 1_000)}S`);
  const ms = header.get("connect-timeout-ms") ?? "";
  if (/^\d{1,10}$/.test(ms) && Number(ms) > longestTimeoutMs)
    header.set("connect-timeout-ms", String(longestTimeoutMs));
}
