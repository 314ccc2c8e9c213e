/**
 * The npm package `sharedmap`, a map in a SharedArrayBuffer with a lock on each read. It is LGPL-3.0: it is only
 * measured, from this private package; nothing that Cupel publishes may depend on it.
 */
import { createRequire } from "node:module";

export interface SharedMapPeer {
  get(key: string): string | undefined;
  has(key: string): boolean;
  set(key: string, value: string | number): void;
  keys(): Iterable<string>;
}

/** Its own types do not describe how it exports itself. */
const PeerMap: {
  new (maxSize: number, keySize: number, objSize: number): SharedMapPeer;
  readonly prototype: SharedMapPeer;
} = createRequire(import.meta.url)("sharedmap");

/**
 * Twice as many places as entries, so that its chains are short.
 * @param characters of the longest value; each takes two bytes in every place.
 */
export function createSharedMapPeer(entries: number, keyLength: number, characters: number): SharedMapPeer {
  return new PeerMap(entries * 2, keyLength + 1, characters + 1);
}

/** One that came by `workerData`, which loses its class. */
export function adoptSharedMapPeer(received: object): SharedMapPeer {
  return Object.setPrototypeOf(received, PeerMap.prototype);
}
