/** Each epoch is told when it ends, on the disk and to whoever listens; a resumed training goes on in its own past. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { type FitOptions, fit } from "@cupel/train";
import { small, smallNetwork } from "./small-training.ts";
import { stripes } from "./stripes.ts";

const settings: FitOptions = {
  ...small,
  train: stripes(35),
  validation: stripes(24, { seed: 2 }),
  epochs: 3,
};
const linesOf = (text: string) => text.split("\n").slice(0, -1);
const header =
  "epoch,learningRate,loss,accuracy,validationLoss,validationAccuracy,imagesPerSecond,seconds,skipped,best";

test("notes come before the first step, and each epoch is on the disk when it is told", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cupel-history-"));
  try {
    const history = join(folder, "net.history");
    const table = join(history, "history.csv");
    const checkpoint = { path: join(folder, "run", "checkpoint.safetensors") };
    const told: string[] = [];
    const controller = new AbortController();
    // Killed in its third epoch, with two told.
    await assert.rejects(
      fit(smallNetwork(), {
        ...settings,
        history,
        checkpoint,
        signal: controller.signal,
        onNote: (note) => told.push(note),
        onStep: ({ step }) => {
          told.push(`step ${step}`);
          if (step === 5) controller.abort();
        },
        onEpoch: ({ epoch }, best) => {
          told.push(`epoch ${epoch}, best ${best?.epoch}`);
          assert.equal(linesOf(readFileSync(table, "utf8")).length, 1 + epoch);
        },
      }),
      { code: "CANCELLED" },
    );
    assert.match(told[0]!, /^Each epoch leaves out 3 images/);
    assert.deepEqual(
      told.slice(1).map((line) => line.replace(/best \d/, "best N")),
      ["step 1", "step 2", "epoch 1, best N", "step 3", "step 4", "epoch 2, best N", "step 5"],
    );
    const before = linesOf(await readFile(table, "utf8"));

    const result = await fit(smallNetwork(), {
      ...settings,
      history,
      checkpoint: { ...checkpoint, resume: true },
    });
    const [first, ...rows] = linesOf(await readFile(table, "utf8"));
    assert.equal(first, header);
    assert.deepEqual(rows.slice(0, 2), before.slice(1));
    const columns = header.split(",");
    let best = { epoch: 0, right: -1, loss: 0 };
    for (const [i, row] of rows.entries()) {
      const values = Object.fromEntries(row.split(",").map((text, at) => [columns[at]!, Number(text)]));
      const { validationAccuracy: right, validationLoss: loss } = result.history[i]!;
      if (right! > best.right || (right === best.right && loss! < best.loss)) {
        best = { epoch: i + 1, right: right!, loss: loss! };
      }
      assert.deepEqual(values, { ...result.history[i], best: best.epoch });
    }
    assert.equal(rows.length, 3);

    // A file of events for each run, none empty: version, start, and 2 or 1 epochs.
    const names = (await readdir(history)).filter((name) => name.startsWith("events.out.tfevents."));
    assert.deepEqual((await readdir(history)).toSorted(), [...names, "history.csv"].toSorted());
    const counts = await Promise.all(names.map(async (name) => records(await readFile(join(history, name)))));
    assert.deepEqual(counts.toSorted(), [3, 4]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** How many TFRecords a file has: a length of 8 bytes, 4, so many bytes, 4. */
function records(file: Buffer): number {
  let count = 0;
  for (let at = 0; at < file.length; count++) at += 16 + Number(file.readBigUInt64LE(at));
  return count;
}

test("without validation there is no best, and columns are empty; without an epoch there is no file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cupel-history-"));
  try {
    const options = { ...settings, validation: undefined, epochs: 1, history: folder };
    const heard: unknown[] = [];
    await fit(smallNetwork(), { ...options, onEpoch: (_, best) => heard.push(best) });
    assert.deepEqual(heard, [null]);
    assert.match(
      linesOf(await readFile(join(folder, "history.csv"), "utf8"))[1]!,
      /^1,0\.01,[\d.]+,[\d.]+,,,.*,0,$/,
    );
    const never = join(folder, "never");
    await assert.rejects(
      fit(smallNetwork(), { ...options, history: never, train: stripes(3) }),
      /less than one batch/,
    );
    await assert.rejects(stat(never), { code: "ENOENT" });
  } finally {
    await rm(folder, { recursive: true });
  }
});
