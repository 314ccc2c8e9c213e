/** A model takes its name when it has been tried, with its external weights; one that is refused is kept aside. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { CupelError } from "@cupel/base";
import { Model, readModelFile, Tensor, tensorType, Value } from "@cupel/onnx";
import { predictErrors, writeVerified } from "@cupel/predict";

function model(): Model {
  const made = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  const { graph } = made;
  const x = graph.add(new Value("x", tensorType("float32", ["N", 4])));
  graph.inputs.push(x);
  const c = graph.addConstant("c", Tensor.float32([4], [1, 2, 3, 4]));
  const type = tensorType("float32", ["N", 4]);
  graph.outputs.push(graph.append({ opType: "Add", inputs: [x, c], outputs: ["y"], type }).output);
  return made;
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cupel-written-"));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const refusal = () =>
  predictErrors.error("WRITTEN_FILE_DIFFERS", "The output is off.", { details: { output: "y" } });

test("the file is whole when it is tried, in the folder it will be in, and has no name yet", () =>
  inFolder(async (folder) => {
    const out = join(folder, "new", "m.onnx");
    const written = await writeVerified(model(), out, async (path) => {
      assert.equal(dirname(dirname(path)), join(folder, "new"));
      assert.deepEqual([...(await readModelFile(path)).graph.nodes].length, 1);
      assert.ok(!(await readdir(join(folder, "new"))).includes("m.onnx"));
      return "good";
    });
    assert.equal(written.verdict, "good");
    assert.equal(written.path, out);
    assert.deepEqual(await readdir(join(folder, "new")), ["m.onnx"]);
    assert.equal((await readFile(out)).byteLength, written.bytes);
  }));

test("a file that is refused is kept under a name that nothing has, and the old one stays", () =>
  inFolder(async (folder) => {
    const out = join(folder, "m.onnx");
    await writeFile(out, "old");
    // Such as the very model that is worked on.
    await writeFile(join(folder, "m.failed.onnx"), "another");
    const work = writeVerified(model(), out, () => Promise.reject(refusal()));
    await assert.rejects(work, (thrown) => {
      assert.ok(thrown instanceof CupelError);
      assert.equal(thrown.code, "WRITTEN_FILE_DIFFERS");
      assert.match(
        thrown.message,
        /^The output is off\. It is kept as .*m\.failed-2\.onnx; .*m\.onnx is as it was\.$/,
      );
      assert.deepEqual(thrown.details, { output: "y", path: join(folder, "m.failed-2.onnx"), out });
      return true;
    });
    assert.deepEqual((await readdir(folder)).sort(), ["m.failed-2.onnx", "m.failed.onnx", "m.onnx"]);
    assert.equal(await readFile(out, "utf8"), "old");
    assert.equal(await readFile(join(folder, "m.failed.onnx"), "utf8"), "another");
    await readModelFile(join(folder, "m.failed-2.onnx"));
  }));

test("whatever goes wrong in the trial keeps the file, but cancellation removes it", () =>
  inFolder(async (folder) => {
    const out = join(folder, "m.onnx");
    const broken = writeVerified(model(), out, () => Promise.reject(new Error("no such thing")));
    await assert.rejects(broken, { code: "INTERNAL", message: /no such thing.*kept as/ });
    assert.deepEqual(await readdir(folder), ["m.failed.onnx"]);
    const controller = new AbortController();
    const cancelled = writeVerified(model(), out, async () => controller.abort(), {
      signal: controller.signal,
    });
    await assert.rejects(cancelled, { code: "CANCELLED" });
    assert.deepEqual(await readdir(folder), ["m.failed.onnx"]);
  }));

test("weights in a file of their own go with the model, kept aside or not", () =>
  inFolder(async (folder) => {
    const externalData = { minBytes: 1 };
    const out = join(folder, "m.onnx");
    const written = await writeVerified(model(), out, async () => null, { externalData });
    assert.ok(written.dataPath);
    assert.deepEqual((await readModelFile(out)).graph.value("c")?.constant?.toNumbers(), [1, 2, 3, 4]);
    const other = model();
    other.graph.setConstant(other.graph.value("c")!, Tensor.float32([4], [5, 6, 7, 8]));
    await assert.rejects(writeVerified(other, out, () => Promise.reject(refusal()), { externalData }));
    const aside = await readModelFile(join(folder, "m.failed.onnx"));
    assert.deepEqual(aside.graph.value("c")?.constant?.toNumbers(), [5, 6, 7, 8]);
    assert.deepEqual((await readModelFile(out)).graph.value("c")?.constant?.toNumbers(), [1, 2, 3, 4]);
  }));
