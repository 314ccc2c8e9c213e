/**
 * Numbers of people, however their digits are grouped: 138-0013-8000, 6222 0212 3456 7890, and the country code before
 * a phone. The groups that stand together are tried in every run that makes up a whole number; a part of a group never,
 * so that a longer number hides no shorter one.
 */
import { isBankCard } from "./bank-card.ts";
import type { Hit } from "./hit.ts";
import { isMobilePhone } from "./mobile-phone.ts";
import { isResidentId } from "./resident-id.ts";

/** Unambiguous: it reads each character a bounded number of times. */
const sequence = /\d(?:[\s\-._()]{0,3}\d){10,}/g;
const group = /\d+/g;
const separators = /[\s\-._()]/;
const everySeparator = /[\s\-_()]+/g;
/** The longest card and "00", a country code of two digits. */
const LONGEST = 19 + 4;

/** How people group phones and cards; where numbers stand in a row, no other groups are taken together. */
const phoneShapes: ReadonlySet<string> = new Set(
  "11 3-8 3-4-4 4-3-4 4-4-3 3-3-5 4-7 7-4 5-6 6-5 2-3-3-3 3-2-2-2-2".split(" "),
);
const cardShapes =
  /^(?:\d\d|4-4-4-4(?:-[1-4])?|4-4-4-[1-4]|4-6-[45]|6-\d\d?|8-8|4-4-4-4-2-1|6-4-4-[45]|4-4-5|4-5-4|6-6-[67])$/;

/** Of a number beside others. One that stands alone may be written digit by digit. */
const MOST_GROUPS = 8;

interface Group {
  readonly start: number;
  readonly end: number;
}

export function findNumbers(text: string, hits: Hit[]): void {
  sequence.lastIndex = 0;
  for (let found = sequence.exec(text); found !== null; found = sequence.exec(text)) {
    const [whole] = found;
    const end = found.index + whole.length;
    if (!separators.test(whole)) addGroup(text, { start: found.index, end }, hits);
    else if (!addWhole(text, whole, found.index, hits)) addGroups(text, groupsOf(whole, found.index), hits);
  }
}

/** All groups of a sequence together, in whatever way they are grouped; with dots only as people do. */
function addWhole(text: string, whole: string, start: number, hits: Hit[]): boolean {
  if (whole.includes(".")) return false;
  const digits = whole.replace(everySeparator, "");
  const end = start + whole.length;
  const found = digits.length > LONGEST ? null : numberOf(digits, text, start, end, "11");
  if (found === null) return false;
  hits.push(found);
  return true;
}

function groupsOf(whole: string, offset: number): Group[] {
  return Array.from(whole.matchAll(group), ({ 0: digits, index }) => ({
    start: offset + index,
    end: offset + index + digits.length,
  }));
}

/** Digits without separators, by far the most frequent. */
function addGroup(text: string, { start, end }: Group, hits: Hit[]): void {
  if (end - start > LONGEST) return;
  const found = numberOf(text.slice(start, end), text, start, end, "11");
  if (found !== null) hits.push(found);
}

function addGroups(text: string, groups: readonly Group[], hits: Hit[]): void {
  for (let first = 0; first < groups.length; first++) {
    let digits = "";
    let longest: { readonly hit: Hit; readonly last: number } | null = null;
    const lengths: number[] = [];
    for (let last = first; last < Math.min(groups.length, first + MOST_GROUPS); last++) {
      const { start, end } = groups[last]!;
      digits += text.slice(start, end);
      if (digits.length > LONGEST) break;
      lengths.push(end - start);
      if (digits.length < 11) continue;
      const from = groups[first]!.start;
      const hit = numberOf(digits, text, from, end, lengths.join("-"));
      if (hit === null) continue;
      // 0.6222021234567890 is a fraction; a phone has no Luhn to be met by chance.
      if (hit.kind === "bankCard" && text[from - 1] === "." && first > 0) continue;
      longest = { hit, last };
    }
    if (longest === null) continue;
    hits.push(longest.hit);
    first = longest.last;
  }
}

/** @param shape lengths of the groups: "3-4-4"; one length: any will do */
function numberOf(digits: string, text: string, start: number, end: number, shape: string): Hit | null {
  const hit =
    residentIdOf(digits, text, start, end) ??
    phoneOf(digits, start, end, shape) ??
    cardOf(digits, start, end, shape);
  return hit === null || isInIdentifier(text, hit.start, hit.end) ? null : hit;
}

function residentIdOf(digits: string, text: string, start: number, end: number): Hit | null {
  const kind = "residentId";
  if (digits.length === 18) return isResidentId(digits) ? { kind, start, end, canonical: digits } : null;
  const x = digits.length === 17 ? checkX(text, end) : 0;
  const canonical = `${digits}X`;
  return x > 0 && isResidentId(canonical) ? { kind, start, end: x, canonical } : null;
}

function phoneOf(digits: string, start: number, end: number, shape: string): Hit | null {
  const phone = withoutCountry(digits);
  if (!isMobilePhone(phone) || !isPhoneShape(shape, digits.length - phone.length)) return null;
  return { kind: "mobile", start, end, canonical: phone };
}

function cardOf(digits: string, start: number, end: number, shape: string): Hit | null {
  if (!isBankCard(digits) || (shape.includes("-") && !cardShapes.test(shape))) return null;
  return { kind: "bankCard", start, end, canonical: digits };
}

/** Where an X that ends an identity number ends; 0 where there is none. */
function checkX(text: string, end: number): number {
  const at = separators.test(text[end] ?? "") ? end + 1 : end;
  const isX = text[at] === "X" || text[at] === "x";
  return isX && !/[A-Za-z0-9]/.test(text[at + 1] ?? "") ? at + 1 : 0;
}

function withoutCountry(digits: string): string {
  if (digits.length === 13 && digits.startsWith("86")) return digits.slice(2);
  if (digits.length === 15 && digits.startsWith("0086")) return digits.slice(4);
  return digits;
}

/** @param prefix digits of the country code at the beginning of the first group, or which are it. */
function isPhoneShape(shape: string, prefix: number): boolean {
  if (!shape.includes("-") || prefix === 0) return !shape.includes("-") || phoneShapes.has(shape);
  const [first = "", ...rest] = shape.split("-");
  const left = Number(first) - prefix;
  return left >= 0 && phoneShapes.has((left === 0 ? rest : [left, ...rest]).join("-"));
}

const uuid = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi;
const UUID = 36;
/** Hexadecimal digits of so many are a digest or the number of a trace, whose digits may look like anything. */
const DIGEST = 16;

/** Digits among the hexadecimal ones of a digest or a UUID. Such without any letter are taken for a number. */
function isInIdentifier(text: string, start: number, end: number): boolean {
  let from = start;
  let to = end;
  while (isHexadecimal(text.charCodeAt(from - 1))) from--;
  while (isHexadecimal(text.charCodeAt(to))) to++;
  const isAlone = !isLetter(text.charCodeAt(from - 1)) && !isLetter(text.charCodeAt(to));
  if (isAlone && to - from >= DIGEST && (from < start || to > end) && hasLetter(text.slice(from, to))) {
    return true;
  }
  if (text.length < UUID) return false;
  const around = text.slice(Math.max(0, start - UUID), end + UUID);
  if (!around.includes("-")) return false;
  const offset = Math.max(0, start - UUID);
  return Array.from(around.matchAll(uuid)).some(
    ({ 0: found, index }) =>
      hasLetter(found) && offset + index <= start && offset + index + found.length >= end,
  );
}

const hasLetter = (text: string): boolean => /[a-f]/i.test(text);

function isHexadecimal(unit: number): boolean {
  return (unit >= 0x30 && unit <= 0x39) || (unit >= 0x41 && unit <= 0x46) || (unit >= 0x61 && unit <= 0x66);
}

function isLetter(unit: number): boolean {
  return (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x61 && unit <= 0x7a);
}
