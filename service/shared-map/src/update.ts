/**
 * Calls that write, most of them from what was there: that takes a look, and a write that takes effect only if the
 * entry is still the same.
 */
import type { Attachment } from "./attachment.ts";
import { ABSENT, BUSY, CONFLICT, NOTHING } from "./core/layout.ts";
import { notAnInteger } from "./counter.ts";
import { missing } from "./cursor.ts";
import { type SetOptions, ttlOf } from "./options.ts";
import { conflict, persist } from "./persist.ts";
import { isSameStored } from "./values.ts";

/** When an entry ends that is made now. */
export function expiryOf(attachment: Attachment, ttl: number | "keep" | undefined): number {
  return attachment.expiryAfter(typeof ttl === "number" ? ttl : attachment.handle.settings.ttl);
}

/** Returns false when what is there is not as expected. */
export function writeValue(
  attachment: Attachment,
  key: unknown,
  value: unknown,
  expiry: number,
  expected: number,
  generation: number,
  integer: number,
): boolean {
  const storable = attachment.values.storable(value);
  const keyMeta = attachment.putKey(key);
  const valueMeta = attachment.values.put(storable);
  return attachment.write(keyMeta, valueMeta, expiry, expected, generation, integer) !== CONFLICT;
}

/** Returns 0, ABSENT or CONFLICT. */
export function removeKey(
  attachment: Attachment,
  key: unknown,
  expected: number,
  generation: number,
  integer: number,
): number {
  const keyMeta = attachment.putKey(key);
  const now = attachment.now();
  const result = attachment.core.remove(attachment.lane, keyMeta, expected, generation, integer, now);
  attachment.onGone?.();
  return result === BUSY ? attachment.fail(result) : result;
}

/** The value alone: the entry ends when it would have ended. */
export function setKeeping(attachment: Attachment, key: unknown, value: unknown): void {
  persist(attachment, key, () => {
    const meta = attachment.readMeta(key);
    if (meta === ABSENT) {
      const expiry = expiryOf(attachment, undefined);
      return writeValue(attachment, key, value, expiry, NOTHING, 0, 0) || conflict;
    }
    const { found, foundGeneration, foundExpiry } = attachment;
    const integer = attachment.values.skip(meta);
    return writeValue(attachment, key, value, foundExpiry, found, foundGeneration, integer) || conflict;
  });
}

export function compute<V>(
  attachment: Attachment,
  key: unknown,
  next: (value: V | undefined) => V | undefined,
  options: SetOptions | undefined,
): V | undefined {
  const ttl = ttlOf(options);
  const isRenewed = typeof ttl === "number";
  return persist(attachment, key, () => {
    const meta = attachment.readMeta(key);
    const { found, foundGeneration, foundExpiry } = attachment;
    const value = meta === ABSENT ? undefined : (attachment.values.take(meta) as V);
    const integer = typeof value === "number" ? value : 0;
    const expected = meta === ABSENT ? NOTHING : found;
    const made = next(value);
    if (made !== undefined) {
      const expiry = meta === ABSENT || isRenewed ? expiryOf(attachment, ttl) : foundExpiry;
      if (writeValue(attachment, key, made, expiry, expected, foundGeneration, integer)) return made;
    } else if (removeKey(attachment, key, expected, foundGeneration, integer) !== CONFLICT) {
      return undefined;
    }
    return conflict;
  });
}

export function getOrInsertComputed<K, V>(
  attachment: Attachment,
  key: K,
  make: (key: K) => V,
  options: SetOptions | undefined,
): V {
  const ttl = ttlOf(options);
  return persist(attachment, key, () => {
    const found = attachment.read(key, missing);
    if (found !== missing) return found as V;
    const made = make(key);
    return writeValue(attachment, key, made, expiryOf(attachment, ttl), NOTHING, 0, 0) ? made : conflict;
  });
}

/** Without a look at the value: whether the key is there is all that counts. */
export function setIfAbsent(
  attachment: Attachment,
  key: unknown,
  value: unknown,
  options: SetOptions | undefined,
): boolean {
  const ttl = ttlOf(options);
  if (attachment.contains(key)) return false;
  return writeValue(attachment, key, value, expiryOf(attachment, ttl), NOTHING, 0, 0);
}

export function compareAndSet(
  attachment: Attachment,
  key: unknown,
  expected: unknown,
  value: unknown,
  options: SetOptions | undefined,
): boolean {
  const ttl = ttlOf(options);
  const wanted = attachment.values.storable(expected);
  return persist(attachment, key, () => {
    const meta = attachment.peekMeta(key);
    const { found, foundGeneration, foundExpiry } = attachment;
    const stored = meta === ABSENT ? undefined : attachment.values.takeStored(meta);
    if (!isSameStored(stored, wanted)) return false;
    const block = meta === ABSENT ? NOTHING : found;
    const integer = typeof stored === "number" ? stored : 0;
    if (value === undefined) {
      const result = removeKey(attachment, key, block, foundGeneration, integer);
      return result === CONFLICT ? conflict : true;
    }
    const expiry = ttl === "keep" && meta !== ABSENT ? foundExpiry : expiryOf(attachment, ttl);
    return writeValue(attachment, key, value, expiry, block, foundGeneration, integer) || conflict;
  });
}

export function add(
  attachment: Attachment,
  key: unknown,
  delta: number,
  options: SetOptions | undefined,
): number {
  if (!Number.isSafeInteger(delta)) throw notAnInteger(delta);
  const expiry = expiryOf(attachment, ttlOf(options));
  const keyMeta = attachment.putKey(key);
  const result = attachment.core.add(attachment.lane, keyMeta, delta, expiry, attachment.now());
  const sum = attachment.scratch.takeNumber();
  attachment.onGone?.();
  return result === 0 ? sum : attachment.fail(result);
}

export function touch(attachment: Attachment, key: unknown, ttl: number | undefined): boolean {
  const given = ttlOf({ ttl });
  if (given === "keep") return attachment.contains(key);
  return persist(attachment, key, () => {
    const result = attachment.rewrite(key, expiryOf(attachment, given));
    return result === CONFLICT ? conflict : result !== ABSENT;
  });
}

export function purgeStale(attachment: Attachment): number {
  const count = attachment.core.purgeExpired(attachment.lane, attachment.now());
  attachment.onGone?.();
  return count === BUSY ? attachment.fail(count) : count;
}

export function peek(attachment: Attachment, key: unknown): unknown {
  const meta = attachment.peekMeta(key);
  return meta === ABSENT ? undefined : attachment.values.take(meta);
}

export function expiresIn(attachment: Attachment, key: unknown): number | undefined {
  const now = attachment.now();
  const meta = attachment.readMeta(key);
  if (meta === ABSENT) return undefined;
  const { foundExpiry } = attachment;
  attachment.values.skip(meta);
  return foundExpiry === 0 ? Number.POSITIVE_INFINITY : foundExpiry - now;
}
