/**
 * A map that threads share, against the map of one thread, the cache that most use, a database in shared pages
 * and the other map in shared memory: reads, overwriting, iteration, counters, what JavaScript allocates, and
 * what a second worker brings.
 */
import { join } from "node:path";
import { openTemporaryFolder, type Spread } from "@cupel/base";
import type { Bar, Benchmark } from "./benchmark.ts";
import { ratioText, tableText } from "./figures.ts";
import { measureAllocations } from "./shared-map-allocations.ts";
import { fillContenders, type ReadName, readTurns } from "./shared-map-contenders.ts";
import { keyLength, keySet, textLength } from "./shared-map-keys.ts";
import { type ManyName, manyKeys, manyTurns } from "./shared-map-many.ts";
import { fillNearMaps, nearTurns } from "./shared-map-near.ts";
import { measureScaling } from "./shared-map-scaling.ts";
import { setTurns } from "./shared-map-sets.ts";
import { measureSize, type SizeName } from "./shared-map-sizes.ts";
import { type Timings, takeTurns } from "./shared-map-turns.ts";
import { counterTurns, walkTurns } from "./shared-map-walks.ts";

/** More than fits into a core's own cache. */
const keys = 2 ** 17;
const sizes = [2 ** 10, 2 ** 14, 2 ** 17, 2 ** 20] as const;
const rounds = 9;
const sizeRounds = 5;
const mostOfMap = 3;
const mostOfMapWithText = 5;
const leastOfLmdb = 2.5;
const leastOfPeer = 10;
const mostCounterNanoseconds = 20;
const mostOfMapByMany = { number: 2.2, string: 1.6 };
const mostOfMapByNear = { number: 1.8, string: 1.1 };

export const sharedMap: Benchmark = {
  name: "shared-map",
  claim:
    `A read that hits takes at most ${mostOfMap} times a Map's time without its value and ${mostOfMapWithText} times with a string of ${textLength} characters, ` +
    `is ${leastOfLmdb} times as fast as lmdb's, by the best form of both, and ${leastOfPeer} times as fast as sharedmap's; ${manyKeys} keys at once take at most ` +
    `${mostOfMapByMany.number} times a Map's time for numbers and ${mostOfMapByMany.string} for strings, a near cache ${mostOfMapByNear.number} and ${mostOfMapByNear.string}; ` +
    `a counter by handle takes at most ${mostCounterNanoseconds} ns.`,
  peer: "Map, lru-cache, lmdb and sharedmap, in turns",
  takes: "3 min",
  async run({ print, signal, progress }) {
    await using folder = await openTemporaryFolder("bench");
    const set = keySet(keys);
    await using contenders = await fillContenders(set, (name) => join(folder.path, name));
    print(`${keys} keys of ${keyLength} characters in random order; ns an operation, and its ratio\n`);

    const reads = await measured("reads", () => takeTurns(readTurns(contenders), rounds, signal));
    print(timesTable("read, every one a hit", reads, "Map get number"));
    const withNewKeys = reads.ratio("Cupel has, new keys", "Map get number, new keys");
    print(`With new keys, Cupel's has takes ${ratioText(withNewKeys)} the time of Map's get.`);
    const many = await measured("many keys", () => takeTurns(manyTurns(contenders), rounds, signal));
    print(`\n${timesTable(`${manyKeys} keys a call, a key`, many, "Map get number")}`);
    const manyOfMap = {
      number: many.ratio("Cupel getMany number", "Map get number"),
      string: many.ratio("Cupel getMany string", "Map get string"),
      newKeys: many.ratio("Cupel getMany number, new keys", "Map get number, new keys"),
    };
    print(
      `Cupel's getMany takes ${ratioText(manyOfMap.number)} the time of Map's get for numbers, ${ratioText(manyOfMap.string)} for strings, ` +
        `${ratioText(manyOfMap.newKeys)} for numbers with new keys.`,
    );
    using nearMaps = fillNearMaps(contenders);
    const near = await measured("near cache", () =>
      takeTurns(nearTurns(contenders, nearMaps), rounds, signal),
    );
    print(`\n${timesTable("near cache, keys by Zipf's law", near, "Map get number")}`);
    const nearOfMap = {
      number: near.ratio("Cupel get number, near cache", "Map get number"),
      string: near.ratio("Cupel get string, near cache", "Map get string"),
    };
    print(
      `A get from the near cache takes ${ratioText(nearOfMap.number)} the time of Map's for numbers, ${ratioText(nearOfMap.string)} for strings.`,
    );
    const walks = await measured("iteration", () => takeTurns(walkTurns(contenders), rounds, signal));
    print(`\n${timesTable("iteration, an entry", walks, "Map for..of")}`);
    const allocations = await measured("allocations", () => measureAllocations(contenders));
    print(
      `\n${tableText([
        ["Cupel, a step", "JS bytes"],
        ...Object.entries(allocations).map(([name, bytes]) => [name, bytes.toFixed(2)]),
      ])}`,
    );
    const scaling = await measured("scaling", () =>
      measureScaling(contenders, join(folder.path, "numbers"), rounds, signal),
    );
    print(
      `\n${tableText([
        ["million reads a second", "1 worker", "2 workers", "ratio"],
        ...Object.entries(scaling).map(([name, figure]) => [
          name,
          figure.millionReadsPerSecondOfOne.median.toFixed(2),
          figure.millionReadsPerSecondOfTwo.median.toFixed(2),
          ratioText(figure.ratio),
        ]),
      ])}`,
    );
    const sets = await measured("overwriting", () => takeTurns(setTurns(contenders), rounds, signal));
    print(`\n${timesTable("overwrite a number", sets, "Map set")}`);
    const counters = await measured("counters", () => takeTurns(counterTurns(), rounds, signal));
    print(`\n${timesTable("counter", counters, "Atomics.add")}`);
    const bySize = await measured("sizes", () => measureSizes(signal));
    print(`\nThe ratio depends on what fits into the processor's caches:\n${sizesTable(bySize)}`);

    const lmdbOfCupel = {
      number: lmdbByBestForms(reads, many, "number"),
      string: lmdbByBestForms(reads, many, "string"),
    };
    const bars = barsOf({
      reads,
      manyOfMap,
      nearOfMap,
      lmdbOfCupel,
      counter: counters.nanoseconds["Cupel counter by handle"],
    });
    return {
      kind: "measured",
      figures: {
        ...{ keys, keyLength, textLength, rounds },
        readNanoseconds: reads.nanoseconds,
        manyKeysNanoseconds: many.nanoseconds,
        nearCacheNanoseconds: near.nanoseconds,
        iterationNanosecondsPerEntry: walks.nanoseconds,
        allocatedBytesPerStep: allocations,
        scaling,
        overwriteNanoseconds: sets.nanoseconds,
        counterNanoseconds: counters.nanoseconds,
        bySize,
        ratios: {
          hasOverMapGet: reads.ratio("Cupel has", "Map get number"),
          hasOverMapGetWithNewKeys: withNewKeys,
          getNumberOverMapGet: reads.ratio("Cupel get number", "Map get number"),
          getStringOverMapGet: reads.ratio("Cupel get string", "Map get string"),
          getManyNumberOverMapGet: manyOfMap.number,
          getManyStringOverMapGet: manyOfMap.string,
          getManyNumberOverMapGetWithNewKeys: manyOfMap.newKeys,
          nearNumberOverMapGet: nearOfMap.number,
          nearStringOverMapGet: nearOfMap.string,
          lmdbOverCupelNumberByBestForms: lmdbOfCupel.number,
          lmdbOverCupelStringByBestForms: lmdbOfCupel.string,
          lmdbOverCupelGetNumber: reads.ratio("lmdb get number", "Cupel get number"),
          lmdbOverCupelGetString: reads.ratio("lmdb get string", "Cupel get string"),
          sharedmapOverCupelGetNumber: reads.ratio("sharedmap get number", "Cupel get number"),
          sharedmapOverCupelGetString: reads.ratio("sharedmap get string", "Cupel get string"),
          cursorOverMapIteration: walks.ratio("Cupel cursor", "Map for..of"),
        },
      },
      bars,
      quote:
        `with ${keys} keys, a shared map answers \`has\` in ${ratioText(reads.ratio("Cupel has", "Map get number"))} a Map's time and a string of ${textLength} characters in ` +
        `${ratioText(reads.ratio("Cupel get string", "Map get string"))}, ${ratioText(reads.ratio("lmdb get string", "Cupel get string"))} as fast as lmdb and ` +
        `${ratioText(reads.ratio("sharedmap get string", "Cupel get string"))} as fast as sharedmap; two workers read ${ratioText(scaling["Cupel has"].ratio)} as much as one, where arithmetic came to ${ratioText(scaling["arithmetic, no map"].ratio)}.`,
    };

    async function measured<T>(title: string, work: () => Promise<T>): Promise<T> {
      using _ = progress.start(title);
      return await work();
    }
  },
};

/** Each side by whichever of its calls took less: a key at a time, or many. */
function lmdbByBestForms(
  reads: Timings<ReadName>,
  many: Timings<ManyName>,
  what: "number" | "string",
): Spread {
  const lmdb = Math.min(
    reads.nanoseconds[`lmdb get ${what}`].median,
    many.nanoseconds[`lmdb getMany ${what}`].median,
  );
  const isManyBest = many.nanoseconds[`lmdb getMany ${what}`].median === lmdb;
  if (isManyBest) return many.ratio(`lmdb getMany ${what}`, `Cupel getMany ${what}`);
  const { p10, median, p90 } = many.nanoseconds[`Cupel getMany ${what}`];
  const single = reads.nanoseconds[`lmdb get ${what}`];
  // From turns of different rounds: only the medians belong to each other, and the spread is the widest there may be.
  return { p10: single.p10 / p90, median: single.median / median, p90: single.p90 / p10 };
}

interface Measured {
  readonly reads: Timings<ReadName>;
  /** Time over Map's. */
  readonly manyOfMap: Readonly<Record<"number" | "string", Spread>>;
  readonly nearOfMap: Readonly<Record<"number" | "string", Spread>>;
  /** Time of lmdb over Cupel's, by the best form of both. */
  readonly lmdbOfCupel: Readonly<Record<"number" | "string", Spread>>;
  readonly counter: Spread;
}

function barsOf({ reads, manyOfMap, nearOfMap, lmdbOfCupel, counter }: Measured): Bar[] {
  const atMost = (bar: number, claim: string, ratio: Spread): Bar => ({
    claim: `${claim} in at most ${bar} times Map's get`,
    measured: ratioText(ratio),
    isMet: ratio.median <= bar,
    isExact: false,
  });
  const faster = (bar: number, claim: string, ratio: Spread): Bar => ({
    claim: `${claim} at least ${bar} times as fast`,
    measured: ratioText(ratio),
    isMet: ratio.median >= bar,
    isExact: false,
  });
  const kinds = ["number", "string"] as const;
  return [
    atMost(mostOfMap, "has", reads.ratio("Cupel has", "Map get number")),
    atMost(mostOfMapWithText, "get of a string", reads.ratio("Cupel get string", "Map get string")),
    ...kinds.map((kind) =>
      atMost(mostOfMapByMany[kind], `getMany of ${manyKeys} keys, a ${kind}`, manyOfMap[kind]),
    ),
    ...kinds.map((kind) => atMost(mostOfMapByNear[kind], `near cache, a ${kind}`, nearOfMap[kind])),
    ...kinds.map((kind) =>
      faster(leastOfLmdb, `a ${kind} by the best form of both: than lmdb`, lmdbOfCupel[kind]),
    ),
    ...kinds.map((kind) =>
      faster(
        leastOfPeer,
        `get of a ${kind}: than sharedmap`,
        reads.ratio(`sharedmap get ${kind}`, `Cupel get ${kind}`),
      ),
    ),
    {
      claim: `a counter by handle in at most ${mostCounterNanoseconds} ns`,
      measured: `${nanosecondsText(counter)} ns`,
      isMet: counter.median <= mostCounterNanoseconds,
      isExact: false,
    },
  ];
}

interface SizeFigures {
  readonly keys: number;
  readonly nanoseconds: Timings<SizeName>["nanoseconds"];
  /** Of the time over Map's. */
  readonly has: Spread;
  readonly getNumber: Spread;
}

async function measureSizes(signal: AbortSignal): Promise<SizeFigures[]> {
  const figures: SizeFigures[] = [];
  for (const count of sizes) {
    const { nanoseconds, ratio } = await measureSize(count, sizeRounds, signal);
    figures.push({
      keys: count,
      nanoseconds,
      has: ratio("Cupel has", "Map get"),
      getNumber: ratio("Cupel get number", "Map get"),
    });
  }
  return figures;
}

function sizesTable(figures: readonly SizeFigures[]): string {
  return tableText([
    ["keys", "Map get", "Cupel has", "ratio", "Cupel get number", "ratio"],
    ...figures.map(({ keys: count, nanoseconds, has, getNumber }) => [
      `${count}`,
      nanosecondsText(nanoseconds["Map get"]),
      nanosecondsText(nanoseconds["Cupel has"]),
      ratioText(has),
      nanosecondsText(nanoseconds["Cupel get number"]),
      ratioText(getNumber),
    ]),
  ]);
}

function timesTable<Name extends string>(title: string, { nanoseconds, ratio }: Timings<Name>, to: Name) {
  return tableText([
    [title, "ns", `time over "${to}"`],
    ...(Object.keys(nanoseconds) as Name[]).map((name) => [
      name,
      nanosecondsText(nanoseconds[name]),
      name === to ? "" : ratioText(ratio(name, to)),
    ]),
  ]);
}

function nanosecondsText({ p10, median, p90 }: Spread): string {
  return `${median.toFixed(1)} (${p10.toFixed(1)} - ${p90.toFixed(1)})`;
}
