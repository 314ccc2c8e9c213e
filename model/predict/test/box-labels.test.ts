/** Labels of boxes as people keep them, YOLO's text files and COCO's JSON, in pixels of the image. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, suite, test } from "node:test";
import { CupelError } from "@cupel/base";
import type { ImageSource } from "@cupel/vision";
import { boxLabels } from "../src/detection/box-labels.ts";
import { evaluateBoxes } from "../src/detection/evaluate-boxes.ts";

let root = "";
before(async () => {
  root = await mkdtemp(join(tmpdir(), "cupel-boxes-"));
});
after(() => rm(root, { recursive: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
}

/** Only the paths are looked at: no image is there. */
function filesAt(folder: string, ...ids: readonly string[]): ImageSource {
  return {
    kind: "folder",
    location: folder,
    length: ids.length,
    classes: null,
    labelled: false,
    id: (index) => ids[index]!,
    label: () => null,
    image: async (index) => ({ kind: "file", path: join(root, folder, ids[index]!) }),
  };
}

const size = { width: 200, height: 100 };
const refused = (saying: RegExp) => (thrown: unknown) =>
  thrown instanceof CupelError && saying.test(`${thrown.code} ${thrown.message}`);

suite("YOLO's text files", () => {
  test("lie in labels where the images lie in images, with names above; lines are boxes or outlines", async () => {
    await write({
      "yolo/data.yaml": "train: images/train\nval: images/val # held out\nnames:\n  0: cat\n  1: 'big dog'\n",
      "yolo/labels/val/a.txt": "1 0.5 0.5 0.2 0.4\n\n0 0.1 0.2 0.3 0.2 0.3 0.6 0.1 0.6\r\n",
      "yolo/labels/val/b.txt": "",
    });
    const labels = boxLabels(filesAt("yolo/images/val", "a.jpg", "b.png", "c.png"), null);
    const found = (await labels.of(0, size))!.map(({ classIndex, left, top, right, bottom }) =>
      [classIndex, left, top, right, bottom].map((each) => Number(each.toFixed(6))),
    );
    assert.deepEqual(found, [
      [1, 80, 30, 120, 70],
      [0, 20, 20, 60, 60],
    ]);
    assert.deepEqual(await labels.of(1, size), []);
    assert.equal(await labels.of(2, size), null);
    assert.deepEqual(await labels.names(), ["cat", "big dog"]);
  });

  test("an outline of 200,000 points is its box", async () => {
    const points = Array.from({ length: 200_000 }, (_, i) => (i % 2 === 0 ? "0.25 0.5" : "0.5 0.75"));
    await write({ "long/a.txt": `0 ${points.join(" ")}` });
    const [box] = (await boxLabels(filesAt("long", "a.jpg"), null).of(0, size))!;
    assert.deepEqual([box!.left, box!.top, box!.right, box!.bottom], [50, 50, 100, 75]);
  });

  for (const [name, path, text, list] of [
    ["beside the image, names in a list", "flat/a.txt", "0 0.5 0.5 1 1", "names: [cat, dog]"],
    ["in a folder that is given", "given/a.txt", "1 0.5 0.5 1 1", 'nc: 2\nnames: ["cat", "dog"]'],
  ] as const) {
    test(name, async () => {
      await write({ [path]: text, [join(dirname(path), "data.yaml")]: list });
      const folder = dirname(path);
      const labels =
        folder === "flat"
          ? boxLabels(filesAt("flat", "a.jpg"), null)
          : boxLabels(filesAt("elsewhere", "a.jpg"), join(root, folder));
      assert.equal((await labels.of(0, size))?.length, 1);
      assert.deepEqual(await labels.names(), ["cat", "dog"]);
    });
  }

  for (const text of ["0 0.5 0.5 1", "cat 0.5 0.5 1 1", "0 0.5 x 1 1", "-1 0.5 0.5 1 1"]) {
    test(`the line ${JSON.stringify(text)} is refused with its place`, async () => {
      await write({ "bad/a.txt": `0 0.5 0.5 1 1\n${text}\n` });
      const labels = boxLabels(filesAt("bad", "a.jpg"), null);
      await assert.rejects(() => labels.of(0, size), refused(/IMAGE_SOURCE_DAMAGED Line 2 of .*a\.txt/));
    });
  }
});

suite("COCO's JSON", () => {
  const coco = {
    images: [
      { id: 7, file_name: "val/a.jpg", width: 400, height: 200 },
      { id: 9, file_name: "val/b.jpg", width: 200, height: 100 },
    ],
    categories: [
      { id: 90, name: "toothbrush" },
      { id: 1, name: "person" },
    ],
    annotations: [
      { id: 1, image_id: 7, category_id: 90, bbox: [40, 20, 80, 60], iscrowd: 0 },
      { id: 2, image_id: 9, category_id: 1, bbox: [1, 2, 3, 4], iscrowd: 1 },
    ],
  };

  test("finds images by the end of their name, and follows images that were made smaller", async () => {
    await write({ "coco.json": JSON.stringify(coco) });
    const labels = boxLabels(filesAt("anywhere", "a.jpg", "sub/b.jpg", "c.jpg"), join(root, "coco.json"));
    assert.deepEqual(await labels.of(0, size), [
      { classIndex: 1, isCrowd: false, left: 20, top: 10, right: 60, bottom: 40 },
    ]);
    assert.deepEqual(await labels.of(1, size), [
      { classIndex: 0, isCrowd: true, left: 1, top: 2, right: 4, bottom: 6 },
    ]);
    assert.equal(await labels.of(2, size), null);
    assert.deepEqual(await labels.names(), ["person", "toothbrush"]);
  });

  for (const [text, saying] of [
    ["{", /is not JSON/],
    ["[]", /no list "categories"/],
    [
      JSON.stringify({ ...coco, annotations: [{ image_id: 7, category_id: 1 }] }),
      /no "bbox".*annotations\[0\]/,
    ],
    [
      JSON.stringify({ ...coco, annotations: [{ image_id: 8, category_id: 1, bbox: [0, 0, 1, 1] }] }),
      /annotations\[0\] that it does not list/,
    ],
  ] as const) {
    test(`${text.slice(0, 40)} is refused`, async () => {
      await write({ "bad.json": text });
      const labels = boxLabels(filesAt("anywhere", "a.jpg"), join(root, "bad.json"));
      await assert.rejects(() => labels.of(0, size), refused(saying));
    });
  }
});

suite("classes of the labels and of the model", () => {
  const box = { classIndex: 1, className: "cat", score: 0.9, left: 80, top: 30, right: 120, bottom: 70 };
  const prediction = { boxes: [box], size };
  const measure = async (names: readonly string[] | null, count: number | null) => {
    await write({ "meet/data.yaml": "names: [dog, cat]", "meet/a.txt": "1 0.5 0.5 0.2 0.4" });
    const evaluation = evaluateBoxes(filesAt("meet", "a.jpg", "no.jpg"), { names, count }, null);
    await evaluation.add(0, prediction);
    await evaluation.add(1, { boxes: [], size });
    return evaluation.result([]);
  };

  test("meet by name, whatever the order", async () => {
    const same = await measure(["dog", "cat"], 2);
    assert.deepEqual([same.labelsBy, same.precision?.ap, same.withoutLabels], ["name", 1, 1]);
    assert.equal((await measure(["cat", "dog"], 2)).precision?.ap, 0);
  });

  test("meet by number where the model has no names, which is said", async () => {
    const found = await measure(null, 2);
    assert.deepEqual([found.labelsBy, found.precision?.ap], ["index", 1]);
  });

  test("are refused where they are none of the model's", async () => {
    await assert.rejects(
      () => measure(["dog", "cow"], 2),
      refused(/LABELS_MISMATCH .*"cat", which is no class/),
    );
    await assert.rejects(() => measure(null, 1), refused(/LABELS_MISMATCH .*class 1, but the model tells 1/));
  });
});
