/**
 * How many connections each place has open: an IPv4 address, or the 64-bit prefix of an IPv6 address, since who has one
 * address of a prefix has them all (RFC 4291, 2.5.1; RFC 6177). A place without any is forgotten.
 */
import { isIPv6 } from "node:net";

export class AddressCount {
  readonly #open = new Map<string, number>();

  /** @returns false, and counts nothing, where the place of the address has `most` already */
  enter(address: string, most: number): boolean {
    const place = placeOf(address);
    const open = this.#open.get(place) ?? 0;
    if (open >= most) return false;
    this.#open.set(place, open + 1);
    return true;
  }

  /** MUST follow each `enter` that returned true, once. */
  leave(address: string): void {
    const place = placeOf(address);
    const left = (this.#open.get(place) ?? 0) - 1;
    if (left > 0) this.#open.set(place, left);
    else this.#open.delete(place);
  }
}

/** "2001:db8:0:1::/64"; an IPv4 address, also one mapped into IPv6 ("::ffff:192.0.2.1"), as IPv4. */
export function placeOf(address: string): string {
  const [plain = ""] = address.split("%");
  if (!isIPv6(plain)) return address;
  const groups = groupsOf(plain);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join(".");
  const prefix = groups.slice(0, 4).map((group) => group.toString(16));
  return `${prefix.join(":")}::/64`;
}

/** The eight groups of a valid IPv6 address; its last two may be written as an IPv4 address. */
function groupsOf(address: string): readonly number[] {
  const [before = "", after] = address.split("::");
  const numbers = (text: string) =>
    text
      .split(":")
      .filter((group) => group !== "")
      .flatMap((group) => {
        if (!group.includes(".")) return [Number.parseInt(group, 16)];
        const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
        return [a * 256 + b, c * 256 + d];
      });
  const [front, back] = [numbers(before), numbers(after ?? "")];
  return [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
}
