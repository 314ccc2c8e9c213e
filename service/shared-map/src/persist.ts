/**
 * A change that goes on from what was there is tried again when another thread was faster. Against one that writes
 * without end it would be tried for ever, so after a number of attempts (`ATTEMPTS`, 8) the key is reserved: then
 * only writes that were under way can be faster still, one of each other thread.
 */
import type { Attachment } from "./attachment.ts";
import { ATTEMPTS } from "./core/reservation.ts";

/** What an attempt returns that another thread was faster than. */
export const conflict = Symbol("conflict");

export function persist<T>(attachment: Attachment, key: unknown, attempt: () => T | typeof conflict): T {
  let isReserved = false;
  try {
    for (let attempts = 0; ; attempts++) {
      if (attempts >= ATTEMPTS && !isReserved) isReserved = attachment.reserve(key);
      const made = attempt();
      if (made !== conflict) return made;
    }
  } finally {
    if (isReserved) attachment.release();
  }
}
