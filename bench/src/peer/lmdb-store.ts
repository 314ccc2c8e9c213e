/**
 * lmdb as its README sets it up for speed where nothing has to outlast the process: no flush to disk (`noSync`),
 * no clearing of memory (`noMemInit`), and `cache` off, since what that measures is a `WeakRef` of a value
 * that this thread has decoded. Its native code comes inside `@lmdb/lmdb-PLATFORM`, without an install script.
 */
import { open, type RootDatabase } from "lmdb";

/** @param encoding `string` for values that are strings; `msgpack`, lmdb's default, for numbers. */
export function openLmdb<V>(path: string, encoding: "string" | "msgpack"): RootDatabase<V, string> {
  return open<V, string>({ path, encoding, noSync: true, noMemInit: true, cache: false });
}

export type LmdbStore<V> = RootDatabase<V, string>;

/** As its README recommends for many writes: `put`, which is batched, and one wait for the commit. */
export async function putAll<V>(
  store: LmdbStore<V>,
  keys: readonly string[],
  valueAt: (i: number) => V,
): Promise<void> {
  let last: Promise<boolean> | undefined;
  for (let i = 0; i < keys.length; i++) last = store.put(keys[i]!, valueAt(i));
  await last;
}
