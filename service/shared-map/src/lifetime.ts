/** How long a map stays open in a thread that does not close it: as long as it, or something of it, is referred to. */

/** The maps of counters and cursors: they stay open as long as somebody has one. */
const mapsOf = new WeakMap<object, object>();

/** Gives back the lanes of maps that were forgotten instead of closed. */
const forgotten = new FinalizationRegistry<() => void>((leave) => leave());

export function keepOpen<T extends object>(part: T, map: object): T {
  mapsOf.set(part, map);
  return part;
}

/** @param leave MUST NOT refer to the map. */
export function whenForgotten(map: object, leave: () => void): void {
  forgotten.register(map, leave, map);
}

export function whenClosed(map: object): void {
  forgotten.unregister(map);
}
