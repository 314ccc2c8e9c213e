/**
 * Entry of the thread that makes inputs and works on them, one after the other. An input that reached new blocks becomes
 * one to make others of. The input in hand is in shared memory, where the main thread finds it when this one hangs or dies.
 */
import { parentPort, workerData } from "node:worker_threads";
import { createRandom, openTemporaryFolder, own } from "@cupel/base";
import { watchCoverage } from "./coverage.ts";
import { isRefusal } from "./outcome.ts";
import { type InputInHand, longest, writeInput } from "./shared-input.ts";
import { seedsOf, targets } from "./targets.ts";

export interface FuzzOrders {
  readonly target: string;
  readonly seed: number;
  readonly milliseconds: number;
  readonly hand: InputInHand;
}

export type FuzzMessage =
  | { readonly kind: "finding"; readonly what: string; readonly bytes: Uint8Array }
  | { readonly kind: "done"; readonly corpus: number; readonly outcomes: ReadonlyMap<string, number> };

const { target: name, seed, milliseconds, hand }: FuzzOrders = workerData;
const target = own(targets, name)!;
const random = createRandom(seed);
await using folder = await openTemporaryFolder("fuzz");
using coverage = target.watched && watchCoverage((url) => target.watched!.test(url));
const corpus = [...(await seedsOf(name, target, folder.path))];
const outcomes = new Map<string, number>();
const told = new Set<string>();

for (const bytes of corpus) await use(bytes);
const started = performance.now();
while (performance.now() - started < milliseconds) {
  // What was found last is the least tried: half of the time.
  const from =
    random.integer(2) === 0
      ? corpus.length - 1 - random.integer(Math.min(16, corpus.length))
      : random.integer(corpus.length);
  const bytes = target.mutate(corpus[from]!, random, corpus);
  if (bytes.length > longest) continue;
  if ((await use(bytes)) > 0) corpus.push(bytes);
}
tell({ kind: "done", corpus: corpus.length, outcomes });

/** @returns how many blocks it was the first to reach. */
async function use(bytes: Uint8Array): Promise<number> {
  writeInput(hand, bytes);
  let outcome = "accepted";
  try {
    await target.run(bytes, folder.path);
  } catch (thrown) {
    if (isRefusal(thrown)) outcome = thrown.code;
    else {
      outcome = "finding";
      const what = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
      // The same place again says nothing new.
      const place = what.split("\n").slice(1, 3).join() || what;
      if (!told.has(place)) tell({ kind: "finding", what, bytes });
      told.add(place);
    }
  }
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  return coverage?.newBlocks() ?? 0;
}

function tell(message: FuzzMessage): void {
  parentPort?.postMessage(message);
}
