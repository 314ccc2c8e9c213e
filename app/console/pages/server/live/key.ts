/**
 * The key or token that the reader gave: in memory, and in the tab's own storage so that reloading the page does not lose
 * it. It is sent as a header and never stands in a URL.
 */
const name = "cupel-key";

let known: string | null = stored();

export function currentKey(): string | null {
  return known;
}

/** @param key null forgets it */
export function keepKey(key: string | null): void {
  known = key;
  try {
    if (key === null) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, key);
  } catch {
    // A browser that lets no page store anything: it is kept for as long as the page is open.
  }
}

/** Whether it can be sent: what a header cannot carry is no key. */
export function isKey(text: string): boolean {
  return /^[\x21-\x7e]{1,8192}$/.test(text);
}

function stored(): string | null {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}
