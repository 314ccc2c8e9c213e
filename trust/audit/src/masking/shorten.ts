/**
 * What is left of a value where nobody is to find out the rest: a few characters of it (mask), or its coarse part (truncate). Never
 * more than half of a text is left, and of most kinds less: a phone keeps five digits of eleven.
 */
import { isIPv4, isIPv6 } from "node:net";

interface Left {
  readonly head: number;
  readonly tail: number;
}

/** Of a tag that is not here. */
const otherwise: Left = { head: 1, tail: 0 };
const masked: ReadonlyMap<string, Left> = new Map([
  ["mobile", { head: 3, tail: 2 }],
  ["residentId", { head: 2, tail: 0 }],
  ["bankCard", { head: 0, tail: 4 }],
]);
/** A token's first letters say whose it is; a password is shorter. */
const TOKEN = 20;
const tokenPrefix = /^[A-Za-z]{2,6}[_-]|^(?:eyJ|AKIA|ASIA|AIza|LTAI|AKID)/;

export function maskText(text: string, kind: string): string {
  if (kind === "email") return maskEmail(text);
  if (kind === "ip") return coarseAddress(text, "*") ?? "***";
  if (kind === "secret") return `${text.length < TOKEN ? "" : (tokenPrefix.exec(text)?.[0] ?? "")}***`;
  const { head, tail } = masked.get(kind) ?? otherwise;
  if ((head + tail) * 2 > text.length) return "***";
  const hidden = masked.has(kind) ? "*".repeat(text.length - head - tail) : "***";
  return firstOf(text, head) + hidden + text.slice(text.length - tail);
}

/** Units of UTF-16, but no half of a pair at the end. */
function firstOf(text: string, count: number): string {
  const isHalf = /[\ud800-\udbff]/.test(text[count - 1] ?? "");
  return text.slice(0, isHalf ? count - 1 : count);
}

/** Whom it belongs to in general: the domain of an address, the network of a caller, the issuer of a card. */
const truncated: ReadonlyMap<string, number> = new Map([
  ["mobile", 3],
  ["residentId", 2],
  ["bankCard", 6],
]);
const MOST = 8;

export function truncateText(text: string, kind: string): string {
  if (kind === "email") return text.slice(Math.max(0, text.lastIndexOf("@")));
  if (kind === "ip") return coarseAddress(text, "0") ?? "***";
  if (kind === "secret") return "***";
  return `${firstOf(text, Math.min(truncated.get(kind) ?? MOST, Math.floor(text.length / 2)))}…`;
}

function maskEmail(text: string): string {
  const at = text.lastIndexOf("@");
  return at < 0 ? "***" : `${at > 1 ? firstOf(text, 1) : ""}***${text.slice(at)}`;
}

/** The first 24 bits of version 4, or 48 of version 6. Null where it is no address. */
function coarseAddress(text: string, rest: "*" | "0"): string | null {
  if (isIPv4(text)) return text.slice(0, text.lastIndexOf(".") + 1) + rest;
  if (!isIPv6(text)) return null;
  const mapped = text.split(":").at(-1) ?? "";
  if (mapped.includes(".")) return `::ffff:${coarseAddress(mapped, rest)}`;
  const [before = "", after] = text.split("%")[0]!.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after ? after.split(":") : [];
  const gap = after === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array.from({ length: gap }, () => "0"), ...tail].slice(0, 3);
  return `${groups.join(":")}::${rest === "*" ? "*" : ""}`;
}
