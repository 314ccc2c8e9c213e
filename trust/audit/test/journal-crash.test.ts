/** Whatever a crash leaves of what was not synchronised, the journal recovers, with all that it had acknowledged. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, type Random } from "@cupel/base";
import fc from "fast-check";
import { Journal } from "../src/journal/journal.ts";
import { JournalFault } from "../src/journal/journal-fault.ts";
import { readJournal } from "../src/journal/read-journal.ts";
import { type Faults, PowerLoss, type SimulatedDisk, simulatedDisk } from "./simulated-disk.ts";

const folder = "/log/journal";
const quarantine = "/log/quarantine";

interface Life {
  /** Operations until the power goes. */
  readonly power: number;
  /** Numbers of operations that fail, and how. */
  readonly faults: readonly (readonly [at: number, code: string])[];
  /** Events in each commit. */
  readonly commits: readonly number[];
  readonly seed: number;
}

const life: fc.Arbitrary<Life> = fc.record({
  power: fc.integer({ min: 1, max: 120 }),
  faults: fc.array(
    fc.tuple(fc.integer({ min: 0, max: 100 }), fc.constantFrom("ENOSPC", "EIO", "EROFS", "EDQUOT", "short")),
    { maxLength: 12 },
  ),
  commits: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 25 }),
  seed: fc.integer(),
});

/** What was acknowledged, by index, and every line that was ever handed over. */
interface Expected {
  readonly acknowledged: Map<number, string>;
  readonly submitted: Set<string>;
}

async function live(
  { power, faults, commits }: Life,
  disk: SimulatedDisk,
  expected: Expected,
): Promise<void> {
  try {
    const journal = await Journal.open({ folder, quarantine, disk, rollBytes: 200, rollMs: 1e12 });
    for (const [at, count] of commits.entries()) {
      const lines = Array.from({ length: count }, (_, i) =>
        JSON.stringify({ id: `${expected.submitted.size + i}-${power}`, text: "x".repeat((at * 7) % 23) }),
      );
      for (const line of lines) expected.submitted.add(line);
      for (let attempt = 0; attempt < 4; attempt++) {
        try {
          const first = await journal.commit(Buffer.from(`${lines.join("\n")}\n`), count);
          for (const [i, line] of lines.entries()) expected.acknowledged.set(first + i, line);
          break;
        } catch (thrown) {
          if (!(thrown instanceof JournalFault)) throw thrown;
          if (thrown.cause instanceof PowerLoss) return;
        }
      }
    }
    if (faults.length % 2 === 0) await journal.close();
  } catch (thrown) {
    // Opening meets the faults that are injected too: whoever opens tries again.
    if (!(thrown instanceof PowerLoss) && !isInjected(thrown)) throw thrown;
  }
}

function isInjected(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.message.endsWith("simulated");
}

async function verify(disk: SimulatedDisk, { acknowledged, submitted }: Expected): Promise<void> {
  const journal = await Journal.open({ folder, quarantine, disk });
  const lines: string[] = [];
  for await (const part of readJournal(disk, folder, { from: 0, to: journal.next })) {
    lines.push(...part.lines.map((line) => Buffer.from(line).toString()));
  }
  for (const [index, line] of acknowledged) assert.equal(lines[index], line, `event ${index}`);
  for (const line of lines) assert.ok(submitted.has(line), `accepted though torn: ${line}`);
  assert.equal(new Set(lines).size, lines.length, "an event is there twice");
  // What was taken without having been acknowledged counts from now on.
  for (const [index, line] of lines.entries()) acknowledged.set(index, line);
}

test("every state that a crash can leave recovers with all acknowledged events", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 3 }), async (lives) => {
      const expected: Expected = { acknowledged: new Map(), submitted: new Set() };
      let faults: Faults = () => null;
      let disk = simulatedDisk(
        (operation, path) => faults(operation, path),
        createRandom(lives[0]?.seed ?? 0),
      );
      for (const next of lives) {
        let at = 0;
        const failing = new Map(next.faults);
        faults = () => (at++ >= next.power ? "power" : (failing.get(at) ?? null));
        await live(next, disk, expected);
        faults = () => null;
        const random: Random = createRandom(next.seed);
        disk = disk.crash(random);
        await verify(disk, expected);
        // And a crash right after the recovery.
        disk = disk.crash(random);
        await verify(disk, expected);
      }
    }),
    { numRuns: Number(process.env.CUPEL_AUDIT_CRASHES ?? 150) },
  );
});
