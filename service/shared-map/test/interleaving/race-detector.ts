/**
 * Data races by vector clocks, after FastTrack (Flanagan and Freund, 2009), with whole vectors: there are few
 * threads. An atomic read happens after all atomic writes to its word before it. A plain access races with
 * another thread's access to the same word, one of the two writing, when neither happens before the other.
 */

export class DataRace extends Error {}

export interface RaceDetector {
  readonly threads: number;
  reset(): void;
  plainRead(thread: number, word: number, site: number): void;
  plainWrite(thread: number, word: number, site: number): void;
  /** Returns whether the thread has learnt something of others. */
  atomicRead(thread: number, word: number, site: number): boolean;
  atomicWrite(thread: number, word: number, site: number): void;
  /** `later` begins after all that `earlier` did. */
  join(later: number, earlier: number): void;
  /** What `thread` knows of `other`: how far that one has come. */
  clock(thread: number, other: number): number;
}

// Kinds of accesses: each has a clock and a site for every word and thread.
const PLAIN_READ = 0;
const PLAIN_WRITE = 1;
const ATOMIC_READ = 2;
const ATOMIC_WRITE = 3;
const kindNames = ["plain read", "plain write", "atomic read", "atomic write"];
/** What each kind races with. */
const conflicts = [
  [PLAIN_WRITE, ATOMIC_WRITE],
  [PLAIN_READ, PLAIN_WRITE, ATOMIC_READ, ATOMIC_WRITE],
  [PLAIN_WRITE],
  [PLAIN_READ, PLAIN_WRITE],
];

export function createRaceDetector(
  wordCount: number,
  threads: number,
  nameOf: (thread: number, site: number) => string,
): RaceDetector {
  const clocks = new Int32Array(threads * threads);
  const accesses = kindNames.map(() => new Int32Array(wordCount * threads));
  const sites = kindNames.map(() => new Int32Array(wordCount * threads));
  /** What those who wrote a word atomically knew. */
  const released = new Int32Array(wordCount * threads);
  // What is known of a word counts for one run; it is cleared when a later run comes to the word.
  const runs = new Int32Array(wordCount);
  let run = 0;

  function refresh(word: number): void {
    if (runs[word] === run) return;
    runs[word] = run;
    const from = word * threads;
    for (const clock of accesses) clock.fill(0, from, from + threads);
    released.fill(0, from, from + threads);
  }

  function access(kind: number, thread: number, word: number, site: number): void {
    const row = word * threads;
    for (const other of conflicts[kind]!) {
      const seen = accesses[other]!;
      for (let u = 0; u < threads; u++) {
        if (u === thread || seen[row + u]! <= clocks[thread * threads + u]!) continue;
        const one = `${kindNames[other]} by ${nameOf(u, sites[other]![row + u]!)}`;
        const two = `${kindNames[kind]} by ${nameOf(thread, site)}`;
        throw new DataRace(`data race at address ${word * 4}: ${one}, and ${two}`);
      }
    }
    accesses[kind]![row + thread] = clocks[thread * threads + thread]!;
    sites[kind]![row + thread] = site;
  }

  return {
    threads,
    reset() {
      run++;
      clocks.fill(0);
      for (let t = 0; t < threads; t++) clocks[t * threads + t] = 1;
    },
    plainRead(thread, word, site) {
      refresh(word);
      access(PLAIN_READ, thread, word, site);
    },
    plainWrite(thread, word, site) {
      refresh(word);
      access(PLAIN_WRITE, thread, word, site);
    },
    atomicRead(thread, word, site) {
      refresh(word);
      let isNews = false;
      for (let u = 0; u < threads; u++) {
        const known = released[word * threads + u]!;
        if (known <= clocks[thread * threads + u]!) continue;
        clocks[thread * threads + u] = known;
        isNews = true;
      }
      access(ATOMIC_READ, thread, word, site);
      return isNews;
    },
    atomicWrite(thread, word, site) {
      refresh(word);
      access(ATOMIC_WRITE, thread, word, site);
      for (let u = 0; u < threads; u++) {
        const known = clocks[thread * threads + u]!;
        if (known > released[word * threads + u]!) released[word * threads + u] = known;
      }
      clocks[thread * threads + thread]!++;
    },
    join(later, earlier) {
      for (let u = 0; u < threads; u++) {
        const known = clocks[earlier * threads + u]!;
        if (known > clocks[later * threads + u]!) clocks[later * threads + u] = known;
      }
    },
    clock: (thread, other) => clocks[thread * threads + other]!,
  };
}
