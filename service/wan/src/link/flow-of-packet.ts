/** Which flow a packet belongs to: a hash of the addresses, the protocol and the ports of IPv4 (RFC 791). */
import { flowBits } from "./direction.ts";

/** Null of what is no IPv4. */
export function flowOf(packet: Uint8Array): number | null {
  if (packet.length < 20 || packet[0]! >> 4 !== 4) return null;
  let hash = packet[9]!;
  // Source and destination, then the ports, which follow the header.
  for (let at = 12; at < 20; at += 2) hash = mixed(hash, packet, at);
  const header = (packet[0]! & 15) * 4;
  const isFragment = (packet[6]! & 0x1f) !== 0 || packet[7] !== 0;
  if (!isFragment && packet.length >= header + 4) {
    hash = mixed(hash, packet, header);
    hash = mixed(hash, packet, header + 2);
  }
  return (hash ^ (hash >>> flowBits)) & ((1 << flowBits) - 1);
}

/** A step of FNV-1a, two bytes at once. */
function mixed(hash: number, packet: Uint8Array, at: number): number {
  return Math.imul(hash ^ ((packet[at]! << 8) | packet[at + 1]!), 16777619) >>> 0;
}
