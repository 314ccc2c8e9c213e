/** The sets in the folder of test data: counts from its README, pixels as Pillow decodes them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { suite, test } from "node:test";
import {
  batches,
  createImageReader,
  openImages,
  parsePreprocessing,
  preprocessingFor,
  sample,
} from "../src/index.ts";
import { realData, withoutData } from "./fixtures.ts";

suite("real data", { skip: withoutData }, () => {
  for (const [path, options, length, classes] of [
    ["imagenet", {}, 1645, 1000],
    ["imagenet/val-227", { labels: realData("imagenet/labels.csv") }, 665, 1000],
    ["imagenette/labels.csv", { labelColumn: "label10" }, 2976, null],
    ["imagenette/val", {}, 1976, 10],
    ["imagenette/val", { classes: realData("imagenet/classes.txt") }, 1976, 1000],
    ["cifar10/test_a.bin.gz", {}, 3000, 10],
    ["pcb/test-images-idx3-ubyte.gz", {}, 2005, 7],
    ["fashion-mnist/t10k-images-idx3-ubyte.gz", {}, 10000, 10],
  ] as const) {
    test(`${path} opens${"labelColumn" in options || "classes" in options ? " with options" : ""}`, async () => {
      const source = await openImages(realData(path), options);
      assert.deepEqual(
        [source.length, source.classes?.length ?? null, source.labelled],
        [length, classes, true],
      );
    });
  }

  test("a folder of WordNet ids and the table beside it agree on every label", async () => {
    const table = await openImages(realData("imagenette/labels.csv"), { labelColumn: "label1000" });
    const byFile = new Map(Array.from({ length: table.length }, (_, i) => [table.id(i), table.label(i)]));
    const tree = await openImages(realData("imagenette/val"), {
      classes: realData("imagenet/classes.txt"),
    });
    for (let i = 0; i < tree.length; i++) assert.equal(tree.label(i), byFile.get(`val/${tree.id(i)}`));
  });

  // sha256 of the centre 224 x 224 crop by Pillow 13.0, as RGB bytes and after convert("L").
  for (const [file, rgb, grey] of [
    [
      "val-227/00048510.jpg",
      "1d46165ad97dcec68b561a36765461b2a5106bf37b284709adc0a72283ed7cde",
      "8a528be6e8c34d8a138c2fb8c6faecb2555b96c2f992cd4d3d07a4b09fe3773b",
    ],
    [
      "dev2017/000b7d55b6184b08.jpg",
      "6134a1266cff288ccc6568a729ff794e5850318bf78e15275ac5f11411a6d951",
      "59cb851b8f4b6fca4a8805dee2a09c251510d8266c40a38f415086063b637333",
    ],
  ] as const) {
    test(`${file} is cropped to the very bytes that Pillow gives`, async () => {
      const sha256 = async (spec: string, base: readonly number[]) => {
        const reader = createImageReader(
          parsePreprocessing(`preset=raw,resize=none,${spec}`, preprocessingFor(base)),
        );
        const { data } = await reader.read({ kind: "file", path: realData(`imagenet/${file}`) });
        return createHash("sha256").update(Uint8Array.from(data)).digest("hex");
      };
      assert.equal(await sha256("layout=NHWC", [1, 3, 224, 224]), rgb);
      assert.equal(await sha256("layout=NCHW", [1, 1, 224, 224]), grey);
    });
  }

  test("a sample of photographs becomes batches without one unreadable image", async () => {
    const source = sample(await openImages(realData("imagenet")), 40, 1);
    const found = batches(source, preprocessingFor([1, 3, 224, 224]), { batchSize: 16, strict: true });
    let count = 0;
    for await (const { data, dims } of found) {
      count += dims[0];
      assert.ok(data.every((value) => value >= -2.2 && value <= 2.7));
    }
    assert.deepEqual([count, found.unreadable.length], [40, 0]);
  });
});
