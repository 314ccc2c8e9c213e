/** Trainings that cannot go well, one row each: refused by code and in words, nothing left behind. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { type Model, tensorType } from "@cupel/onnx";
import { type FitOptions, fit, mlp } from "@cupel/train";
import { type ImageSource, preprocessingFor } from "@cupel/vision";
import { decodeSafetensors, encodeSafetensors } from "../../src/fit/safetensors.ts";
import { small, smallNetwork } from "./small-training.ts";
import { stripes } from "./stripes.ts";

interface Refused {
  readonly what: string;
  readonly code: string;
  readonly says: RegExp;
  readonly network?: () => Model;
  readonly options?: Partial<FitOptions>;
  /** What lies at the checkpoint's path: of a good training, changed so. */
  readonly checkpoint?: (file: Buffer) => Uint8Array;
  readonly resume?: boolean;
}

const settings: FitOptions = { ...small, train: stripes(32), epochs: 1 };
const unreadable: ImageSource = {
  ...stripes(32),
  image: async () => ({ kind: "encoded", bytes: Buffer.from("no image") }),
};

/** A network with an operator that nobody differentiates. */
function withHardmax() {
  const model = smallNetwork();
  const { graph } = model;
  const [logits] = graph.outputs;
  const found = graph.append({
    opType: "Hardmax",
    inputs: [logits!],
    outputs: ["answer"],
    type: tensorType("float32", ["N", 3]),
  });
  graph.outputs[0] = found.output;
  return model;
}

const table: readonly Refused[] = [
  {
    what: "images of more classes than the network tells apart",
    code: "LABELS_MISMATCH",
    says: /3 classes.*2 apart/,
    network: () => smallNetwork({ classes: 2 }),
  },
  {
    what: "labels without names beyond the network's classes",
    code: "LABELS_MISMATCH",
    says: /8 classes.*3 apart/,
    options: { train: { ...stripes(32), classes: null, label: (index) => index % 8 } },
  },
  {
    what: "validation images of other classes",
    code: "LABELS_MISMATCH",
    says: /2 classes.*3 apart/,
    options: { validation: { ...stripes(32), classes: ["a", "b"] } },
  },
  {
    what: "images without labels",
    code: "LABELS_MISMATCH",
    says: /no labels/,
    options: { train: { ...stripes(32), labelled: false, label: () => null } },
  },
  { what: "no images", code: "IMAGES_NONE", says: /stripes/, options: { train: stripes(0) } },
  {
    what: "images none of which can be read",
    code: "IMAGES_UNREADABLE",
    says: /stripes#/,
    options: { train: unreadable },
  },
  {
    what: "one image that cannot be read, when none may be left out",
    code: "IMAGES_UNREADABLE",
    says: /stripes#/,
    options: { train: unreadable, loader: { workers: 0, strict: true } },
  },
  {
    what: "a batch larger than the set",
    code: "SELECTION_INVALID",
    says: /32 images.*33/,
    options: { batch: 33 },
  },
  {
    what: "images of another size than the network's input",
    code: "INPUT_SHAPE_MISMATCH",
    says: /\[N, 1, 8, 8\].*\[N, 1, 16, 16\]/,
    options: { preprocessing: preprocessingFor([null, 1, 16, 16]) },
  },
  {
    what: "a network that takes no images",
    code: "INPUT_SHAPE_MISMATCH",
    says: /\[N, 64\]/,
    network: () => mlp({ inputs: 64, hidden: [8], classes: 3 }),
  },
  {
    what: "an operator without a gradient",
    code: "GRADIENT_UNSUPPORTED",
    says: /Hardmax/,
    network: withHardmax,
  },
  { what: "no epochs", code: "TRAINING_CONFIG_INVALID", says: /epochs/, options: { epochs: 0 } },
  {
    what: "patience without validation",
    code: "TRAINING_CONFIG_INVALID",
    says: /patience/,
    options: { patience: 2 },
  },
  {
    what: "nothing that is trained",
    code: "TRAINING_CONFIG_INVALID",
    says: /Nothing is trained/,
    options: { trainable: () => false },
  },
  {
    what: "a checkpoint that is there and not resumed",
    code: "TRAINING_CONFIG_INVALID",
    says: /run\.safetensors.*resume/,
    checkpoint: (file) => file,
    resume: false,
  },
  {
    what: "a checkpoint that is cut off",
    code: "CHECKPOINT_INVALID",
    says: /damaged/,
    checkpoint: (file) => file.subarray(0, file.length - 100),
  },
  {
    what: "a checkpoint with a bit turned",
    code: "CHECKPOINT_INVALID",
    says: /SHA-256/,
    checkpoint: (file) => file.fill(file.at(-1)! ^ 1, file.length - 1),
  },
  {
    what: "a checkpoint that is something else",
    code: "CHECKPOINT_INVALID",
    says: /no safetensors file/,
    checkpoint: () => Buffer.from("{}"),
  },
  {
    what: "a checkpoint of another batch size",
    code: "CHECKPOINT_INVALID",
    says: /batch was 16 then and is 8 now/,
    checkpoint: (file) => file,
    options: { batch: 8 },
  },
  {
    what: "a checkpoint of another network",
    code: "CHECKPOINT_INVALID",
    says: /network was/,
    checkpoint: (file) => file,
    network: () => smallNetwork({ seed: 2 }),
  },
  {
    what: "a checkpoint of other images",
    code: "CHECKPOINT_INVALID",
    says: /training images was 32 images.*48 images/,
    checkpoint: (file) => file,
    options: { train: stripes(48) },
  },
  {
    what: "a whole checkpoint that says nothing of its training",
    code: "CHECKPOINT_INVALID",
    says: /says nothing of its training/,
    checkpoint: (file) => {
      const { metadata, tensors } = decodeSafetensors(file);
      const { "cupel.training": _, ...rest } = metadata;
      return Buffer.concat(encodeSafetensors({ metadata: rest, tensors }));
    },
  },
];

/** The checkpoint of a training that went well. */
const good = (async () => {
  await using folder = await openTemporaryFolder("good");
  const path = join(folder.path, "run.safetensors");
  await fit(smallNetwork(), { ...settings, checkpoint: { path } });
  return await readFile(path);
})();

for (const { what, code, says, checkpoint, resume = true, ...row } of table) {
  test(`${what}: ${code}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "cupel-refused-"));
    try {
      const path = join(folder, "run.safetensors");
      if (checkpoint) await writeFile(path, checkpoint(Buffer.from(await good)));
      const before = checkpoint ? await readFile(path) : null;
      await assert.rejects(
        fit((row.network ?? smallNetwork)(), {
          ...settings,
          ...row.options,
          checkpoint: { path, resume },
        }),
        (thrown: Error & { code?: string }) => {
          assert.equal(thrown.code, code, thrown.message);
          assert.match(thrown.message, says);
          return true;
        },
      );
      assert.deepEqual(await readdir(folder), before ? ["run.safetensors"] : []);
      if (before) assert.ok(before.equals(await readFile(path)));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
