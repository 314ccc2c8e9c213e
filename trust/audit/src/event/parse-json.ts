/** Bytes to a value, or why they are none. What a JSON parser says of a text repeats some of it: only the place is kept. */
import { reasonOf } from "@cupel/base";
import type { EventRefusal } from "./refusal.ts";

export type Parsed = { readonly value: unknown } | { readonly refusal: EventRefusal };

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function parseJson(bytes: Uint8Array): Parsed {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return refused("utf8", "It is no UTF-8. Write it in that encoding.");
  }
  try {
    return { value: JSON.parse(text) };
  } catch (thrown) {
    const place = / at position (\d+)/.exec(reasonOf(thrown))?.[1];
    const where = place === undefined ? "" : ` from character ${Number(place) + 1} on`;
    return refused("json", `It is no JSON${where}. Write one JSON value.`);
  }
}

export function refused(keyword: string, message: string): { readonly refusal: EventRefusal } {
  return { refusal: { kind: "parse", pointer: "", keyword, message } };
}
