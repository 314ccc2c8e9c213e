/**
 * What the garbage collector did over a run: figures and a sentence. A process that is running out of memory shows it there
 * before it ends: collections of the whole heap come more often and free less. Pure.
 */
import { bytesText, threeDigits } from "@cupel/base";

/** One that looked through the whole heap. */
export interface MajorCollection {
  /** Seconds since the watch began. */
  readonly at: number;
  /** Bytes of the heap and of array buffers that it left. */
  readonly surviving: number;
  /** Bytes fewer than at the last sample before it. */
  readonly freed: number;
}

export interface CollectionsSeen {
  /** Evenly over the run, one in `stride`. */
  readonly majors: readonly MajorCollection[];
  readonly stride: number;
  readonly counts: { readonly major: number; readonly minor: number };
  /** Milliseconds in which nothing else ran. */
  readonly pauses: { readonly total: number; readonly longest: number };
}

/** Of half of a run. */
export interface CollectionPace {
  /** Seconds from one major collection to the next. */
  readonly interval: number;
  /** Bytes, mean. */
  readonly freed: number;
}

export interface GarbageCollections {
  /** Of the whole heap, and of what is new only. */
  readonly counts: { readonly major: number; readonly minor: number };
  readonly pauses: { readonly total: number; readonly longest: number };
  /** Bytes after the last major collection; null where there was none. */
  readonly surviving: number | null;
  /** Seconds, mean; null with fewer than two. */
  readonly interval: number | null;
  /** Earlier and later half; null with too few to compare. */
  readonly pace: readonly [earlier: CollectionPace, later: CollectionPace] | null;
  /** They come more than twice as often in the later half, and free less than half as much. */
  readonly isStrained: boolean;
}

/** Each half has three intervals. */
const fewestToCompare = 8;

export function summariseCollections(seen: CollectionsSeen): GarbageCollections {
  const { majors, stride, counts, pauses } = seen;
  const half = Math.floor(majors.length / 2);
  const pace =
    majors.length < fewestToCompare
      ? null
      : ([paceOf(majors.slice(0, half), stride), paceOf(majors.slice(-half), stride)] as const);
  return {
    counts,
    pauses,
    surviving: majors.at(-1)?.surviving ?? null,
    interval: majors.length < 2 ? null : paceOf(majors, stride).interval,
    pace,
    isStrained: pace !== null && pace[1].interval < pace[0].interval / 2 && pace[1].freed < pace[0].freed / 2,
  };
}

function paceOf(majors: readonly MajorCollection[], stride: number): CollectionPace {
  const span = majors.at(-1)!.at - majors[0]!.at;
  return {
    interval: span / (majors.length - 1) / stride,
    freed: majors.reduce((sum, { freed }) => sum + freed, 0) / majors.length,
  };
}

/** "The heap was collected 14 times, once in 12.0 s, for 41.0 ms in all (9.00 at most); 21.0 MB survive." */
export function collectionsText({
  counts,
  pauses,
  surviving,
  interval,
  pace,
  isStrained,
}: GarbageCollections): string {
  const paused = `for ${threeDigits(pauses.total)} ms in all (${threeDigits(pauses.longest)} at most)`;
  if (surviving === null)
    return `The whole heap was never collected; what is new was, ${counts.minor} times, ${paused}.`;
  const times = counts.major === 1 ? "once" : `${counts.major} times`;
  const often = interval === null ? "" : `, once in ${threeDigits(interval)} s`;
  const sentence = `The whole heap was collected ${times}${often}, and what is new ${counts.minor} times, ${paused}; ${bytesText(surviving)} survive.`;
  if (!isStrained) return sentence;
  const [earlier, later] = pace!.map(
    (each) => `${bytesText(Math.round(each.freed))} once in ${threeDigits(each.interval)} s`,
  );
  return `${sentence} Collections come more often and free less: ${later}, in the first half ${earlier}. Memory is running out.`;
}
