/** The inputs that fuzzing begins with, and what it makes of them. The fuzzing itself is `npm run fuzz`. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createRandom, openTemporaryFolder } from "@cupel/base";
import { readModel } from "@cupel/onnx";
import { trainBriefly } from "../fuzz/brief-training.ts";
import { mutateBytes } from "../fuzz/mutate-bytes.ts";
import { mutateCheckpoint } from "../fuzz/mutate-checkpoint.ts";
import { mutateMessage } from "../fuzz/mutate-message.ts";
import { attempt } from "../fuzz/outcome.ts";
import { seedsOf, targets } from "../fuzz/targets.ts";

for (const [name, target] of Object.entries(targets)) {
  // The engine's own is tried with a process for each.
  if (target.watched === null) continue;
  test(`every ${name} input of the corpus ends well, or with an error of the tables`, async () => {
    await using folder = await openTemporaryFolder("fuzz");
    const seeds = await seedsOf(name, target, folder.path);
    assert.ok(seeds.length > 1);
    for (const bytes of seeds) await attempt(() => target.run(bytes, folder.path));
  });
}

test("most damaged messages are messages again, and the same seed damages alike", async () => {
  const seeds = await seedsOf("onnx", targets.onnx!, "");
  const readable = async (mutate: typeof mutateBytes) => {
    const random = createRandom(7);
    let count = 0;
    for (let i = 0; i < 200; i++) {
      const bytes = mutate(seeds[i % seeds.length]!, random, seeds);
      const thrown = await new Promise((done) => done(readModel(bytes))).then(
        () => null,
        (failure: { readonly code: string }) => failure.code,
      );
      if (thrown !== "MODEL_NOT_PROTOBUF" && thrown !== "MODEL_TRUNCATED") count++;
    }
    return count;
  };
  const [message, bytes] = [await readable(mutateMessage), await readable(mutateBytes)];
  assert.ok(message > 100 && message > bytes, `${message} and ${bytes} of 200`);
  assert.equal(await readable(mutateMessage), message);
});

test("most damaged checkpoints have the digest of what they hold", async () => {
  await using folder = await openTemporaryFolder("fuzz");
  const seeds = await seedsOf("checkpoint", targets.checkpoint!, folder.path);
  const random = createRandom(7);
  const path = join(folder.path, "damaged.safetensors");
  let otherwise = 0;
  for (let i = 0; i < 30; i++) {
    await writeFile(path, mutateCheckpoint(seeds[i % seeds.length]!, random, seeds));
    const told = await trainBriefly(path, 2).then(
      () => "accepted",
      (failure: Error) => failure.message,
    );
    if (!told.includes("SHA-256")) otherwise++;
  }
  assert.ok(otherwise > 20, `${otherwise} of 30`);
});
