/** A checkpoint that an earlier version wrote, in the words it had: "pictures", and `rate` for the learning rate. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import test from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { encodeModelBytes } from "@cupel/onnx";
import { type EpochMetrics, type FitOptions, fit } from "@cupel/train";
import { decodeSafetensors, encodeSafetensors } from "../../src/fit/safetensors.ts";
import { small, smallNetwork } from "./small-training.ts";
import { stripes } from "./stripes.ts";

const settings: Omit<FitOptions, "epochs"> = { ...small, train: stripes(48), validation: 0.25, batch: 12 };

interface Written {
  readonly identity: Readonly<Record<string, string>>;
  readonly history: readonly EpochMetrics[];
}

/** The file as the version before wrote it. */
function inFormerWords(file: Uint8Array<ArrayBuffer>): Uint8Array {
  const { metadata, tensors } = decodeSafetensors(file);
  const { "cupel.checkpoint": format, "cupel.training": json } = metadata;
  assert.equal(format, "1", "a new format is none of before");
  const written: Written = JSON.parse(json!);
  const { "training images": train, "validation images": validation, network, ...others } = written.identity;
  const former = {
    ...written,
    identity: {
      network,
      "training pictures": train!.replace("images", "pictures"),
      "validation pictures": validation!.replace("images", "pictures"),
      ...others,
    },
    history: written.history.map(({ learningRate, ...epoch }) => ({ ...epoch, rate: learningRate })),
  };
  return Buffer.concat(
    encodeSafetensors({
      metadata: { "cupel.checkpoint": "1", "cupel.training": JSON.stringify(former) },
      tensors,
    }),
  );
}

test("is resumed to the weights of a training that nobody stopped, and says so", async () => {
  await using folder = await openTemporaryFolder("former");
  const path = `${folder.path}/run.safetensors`;
  const first = await fit(smallNetwork(), { ...settings, epochs: 1, checkpoint: { path } });
  assert.deepEqual(first.notes, []);
  await writeFile(path, inFormerWords(await readFile(path)));
  const resumed = await fit(smallNetwork(), { ...settings, epochs: 2, checkpoint: { path, resume: true } });
  assert.match(resumed.notes.join(), /run\.safetensors is of an earlier version/);
  assert.deepEqual(resumed.history[0], first.history[0]);
  const whole = await fit(smallNetwork(), { ...settings, epochs: 2 });
  assert.ok(Buffer.from(encodeModelBytes(resumed.model)).equals(encodeModelBytes(whole.model)));
  const again = await fit(smallNetwork(), { ...settings, epochs: 3, checkpoint: { path, resume: true } });
  assert.deepEqual(again.notes, [], "what it wrote is of this version");
});

test("of other images is refused", async () => {
  await using folder = await openTemporaryFolder("former");
  const path = `${folder.path}/run.safetensors`;
  await fit(smallNetwork(), { ...settings, epochs: 1, checkpoint: { path } });
  await writeFile(path, inFormerWords(await readFile(path)));
  await assert.rejects(
    fit(smallNetwork(), { ...settings, train: stripes(96), epochs: 2, checkpoint: { path, resume: true } }),
    { code: "CHECKPOINT_INVALID", message: /training images was 36 images/ },
  );
});
