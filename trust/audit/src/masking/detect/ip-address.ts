/** Addresses of IP, version 4 and 6. What looks like one is asked of `node:net`, which knows every form. */
import { isIPv4, isIPv6 } from "node:net";
import type { Hit } from "./hit.ts";

/** "v1.2.3.4" and five parts are versions of something. Parts may be padded with noughts. */
const four = /(?<![\d.]|\bv)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?!\d|\.\d)/gi;
/** Hexadecimal groups that stand alone; the end of a sentence is taken off below. */
const six = /(?<![\w:.])[0-9a-f:]*:[0-9a-f:.]*(?!\w)/gi;
const padded = /\b0\d/;
const trailing = /[.:]$/;

export function findAddresses4(text: string, hits: Hit[]): void {
  four.lastIndex = 0;
  for (let found = four.exec(text); found !== null; found = four.exec(text)) {
    const [address] = found;
    const canonical = padded.test(address) ? address.split(".").map(Number).join(".") : address;
    if (!isIPv4(canonical)) continue;
    hits.push({ kind: "ip", start: found.index, end: found.index + address.length, canonical });
  }
}

export function findAddresses6(text: string, hits: Hit[]): void {
  for (const { 0: found, index } of text.matchAll(six)) {
    let address = found;
    while (!isIPv6(address) && trailing.test(address)) address = address.slice(0, -1);
    // "::" alone is an operator of many languages.
    if (!isIPv6(address) || !/[0-9a-f]/i.test(address)) continue;
    hits.push({
      kind: "ip",
      start: index,
      end: index + address.length,
      canonical: address.toLowerCase(),
    });
  }
}
