/** Addresses of IP, version 4 and 6. What looks like one is asked of `node:net`, which knows every form. */
import { isIPv4, isIPv6 } from "node:net";
import type { Hit } from "./hit.ts";

/** "v1.2.3.4" and five parts are versions of something. Parts may be padded with noughts. */
const four = /(?<![\d.]|\bv)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?!\d|\.\d)/gi;
/** All that an address of version 6 is written with; the longest has 45 characters. */
const six = /[0-9a-f:.]{3,64}/gi;
const trailing = /[.:]$/;
const word = /\w/;
const padded = /\b0\d/;
/** Words of hexadecimal letters before an address, as in "node:2001:db8::1" the "de". */
const LEADING = 2;

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
  six.lastIndex = 0;
  for (let found = six.exec(text); found !== null; found = six.exec(text)) {
    const [run] = found;
    const { index } = found;
    // A group that goes on as a word is none: "std::decimal".
    const from = word.test(text[index - 1] ?? "") ? run.indexOf(":") + 1 : 0;
    const to = word.test(text[index + run.length] ?? "") ? run.lastIndexOf(":") : run.length;
    const address = addressIn(run.slice(from, to));
    if (address === null) continue;
    const start = index + from + address.at;
    hits.push({ kind: "ip", start, end: start + address.text.length, canonical: address.text.toLowerCase() });
  }
}

function addressIn(run: string): { readonly text: string; readonly at: number } | null {
  let at = 0;
  for (let dropped = 0; dropped <= LEADING; dropped++) {
    let text = run.slice(at);
    while (!isIPv6(text) && trailing.test(text)) text = text.slice(0, -1);
    // "::" alone is an operator of many languages.
    if (isIPv6(text) && text !== "::") return { text, at };
    const colon = run.indexOf(":", at);
    if (colon < 0) return null;
    at = colon + 1;
  }
  return null;
}
