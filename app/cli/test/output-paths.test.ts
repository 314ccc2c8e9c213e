/** Outputs that cannot be written are told before any work, whatever the command; a model that fails is kept aside. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import test from "node:test";
import { openSession, randomFeeds } from "@cupel/runtime";
import { cupel, filesUnder, prepared, type Scratch, scratch } from "./harness.ts";

interface Line {
  readonly what: string;
  /** @param blocked a path below a file. */
  words(folder: Scratch, blocked: string): Promise<readonly string[]>;
}

const compress = async (folder: Scratch) => {
  const { model, images } = await prepared(folder);
  return ["compress", model, "--images", images];
};
// So many epochs that a training which begins does not end in the time of a test.
const train = ["train", "resnetCifar:width=8", "--data", "synthetic:64", "--epochs", "100000"];

const lines: readonly Line[] = [
  {
    what: "compress -o",
    words: async (folder, blocked) => [...(await compress(folder)), "-o", `${blocked}.onnx`],
  },
  {
    what: "compress --report-dir",
    words: async (folder, blocked) => [
      ...(await compress(folder)),
      "-o",
      folder.at("s.onnx"),
      "--report-dir",
      blocked,
    ],
  },
  {
    what: "compress --profile",
    words: async (folder, blocked) => [
      ...(await compress(folder)),
      "-o",
      folder.at("s.onnx"),
      "--profile",
      blocked,
    ],
  },
  {
    what: "compress --report-dir, which is to be the model",
    words: async (folder) => [
      ...(await compress(folder)),
      "-o",
      folder.at("s.onnx"),
      "--report-dir",
      folder.at("s.onnx"),
    ],
  },
  {
    what: "pack -o",
    words: async (folder, blocked) => ["pack", (await prepared(folder)).model, "-o", `${blocked}.cupel`],
  },
  { what: "train -o", words: async (_, blocked) => [...train, "-o", `${blocked}.onnx`] },
  {
    what: "train --checkpoint",
    words: async (folder, blocked) => [...train, "-o", folder.at("t.onnx"), "--checkpoint", blocked],
  },
  {
    what: "train --profile",
    words: async (folder, blocked) => [...train, "-o", folder.at("t.onnx"), "--profile", blocked],
  },
  { what: "demo -o", words: async (_, blocked) => ["demo", "-o", blocked] },
  {
    what: "eval --profile",
    async words(folder, blocked) {
      const { model, images } = await prepared(folder);
      return ["eval", model, "--images", images, "--profile", blocked];
    },
  },
  {
    what: "bench-model --profile",
    words: async (folder, blocked) => ["bench-model", (await prepared(folder)).model, "--profile", blocked],
  },
  {
    what: "report -o",
    async words(folder, blocked) {
      const { model, images } = await prepared(folder);
      return ["report", model, model, "--images", images, "-o", blocked];
    },
  },
];

for (const { what, words } of lines) {
  test(`${what}: a folder that is a file is refused before the work`, async () => {
    await using folder = await scratch();
    const line = await words(folder, folder.at("afile", "inside"));
    await folder.write("afile", "old");
    const before = await filesUnder(folder.path);
    const told = await cupel(...line);
    assert.equal(told.status, 74, told.err);
    assert.match(told.err, /^error WRITE_FAILED: Could not write .*: .*\. .*[Cc]hoose another/m);
    // A remark on the images, or a bar, would say that the work has begun.
    assert.doesNotMatch(told.err, /kept apart|Calibrating|Training|Evaluating/);
    assert.deepEqual(await filesUnder(folder.path), before);
  });
}

test("an output that is a folder is refused", async () => {
  await using folder = await scratch();
  const line = await compress(folder);
  await mkdir(folder.at("s.onnx"));
  const told = await cupel(...line, "-o", folder.at("s.onnx"));
  assert.equal(told.status, 74, told.err);
  assert.match(told.err, /error WRITE_FAILED: .*s\.onnx: it is a folder\. /);
});

test("--floor is a share, a signal to noise, both, or none; nothing else", async () => {
  await using folder = await scratch();
  const line = [...(await compress(folder)), "-o", folder.at("s.onnx"), "--no-report", "--json"];
  for (const floor of ["0.9,20dB", "none", "0", "-3 dB"]) {
    const told = await cupel(...line, `--floor=${floor}`);
    assert.equal(told.status, 0, `${floor}: ${told.err}`);
    assert.equal(JSON.parse(told.out).check.outputs[0].measure, "samePrediction");
  }
  for (const floor of ["1.5", "90%", "20", "dB", "0.5,0.6", "none,0.5", "0.5,"]) {
    const told = await cupel(...line, `--floor=${floor}`);
    assert.equal(told.status, 64, `${floor}: ${told.err}`);
    assert.match(told.err, /error OPTION_INVALID: --floor must be a share from 0 to 1/);
  }
});

const cases = resolve(import.meta.dirname, "../../../../shared/cases/models");

for (const name of ["ap_dil19", "pad18_axes_hw", "pad18_axes_all", "bn_extra_out"]) {
  const file = join(cases, `${name}.onnx`);
  test(`${name}: what compress writes runs, or it is kept aside`, {
    skip: existsSync(file) ? false : `no ${name}.onnx`,
  }, async () => {
    await using folder = await scratch();
    await copyFile(file, folder.at("in.onnx"));
    const images = ["--images", "synthetic:24"];
    const told = await cupel(
      "compress",
      folder.at("in.onnx"),
      ...images,
      "-o",
      folder.at("out.onnx"),
      "--no-report",
    );
    const files = (await readdir(folder.path)).filter((each) => each !== "in.onnx");
    if (told.status === 0) {
      assert.deepEqual(files, ["out.onnx"]);
      await using session = await openSession(folder.at("out.onnx"), { threads: 1 });
      await session.run(randomFeeds(session.inputs, 1));
    } else {
      assert.match(
        told.err,
        /error (WRITTEN_FILE_FAILS|WRITTEN_FILE_DIFFERS|FLOOR_MISSED): .*kept as .*out\.failed\.onnx/,
      );
      assert.deepEqual(files, ["out.failed.onnx"]);
    }
  });
}
