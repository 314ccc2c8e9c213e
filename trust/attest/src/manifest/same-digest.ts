/** Whether two digests are one, in a time that says nothing of where they differ. */
import { timingSafeEqual } from "node:crypto";

/** @param one in lower-case hex, as `other` */
export function isSameDigest(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}
