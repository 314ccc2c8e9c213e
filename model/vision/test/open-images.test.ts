import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { type ImageSource, openImages } from "../src/index.ts";
import { readIdx } from "../src/sources/idx.ts";
import { unpacked } from "../src/sources/packed-file.ts";
import { level, png, raw, refused, scratch } from "./fixtures.ts";

const dot = await png(level(1));

const listed = (source: ImageSource): [string, number | null][] =>
  Array.from({ length: source.length }, (_, i) => [source.id(i), source.label(i)]);

/** The header of http://yann.lecun.com/exdb/mnist/ with the values after it. */
function idx(dims: readonly number[], values: readonly number[]): Uint8Array {
  const header = [0, 0, 8, dims.length, ...dims.flatMap((size) => [0, 0, size >> 8, size & 255])];
  return Uint8Array.from([...header, ...values]);
}

suite("a folder of images", () => {
  test("has a class for each sub-folder, sorted by name, whatever lies deeper", async () => {
    await using folder = await scratch();
    await folder.write({
      "b/2.png": dot,
      "a/x/1.JPG": dot,
      "a/0.png": dot,
      "a/notes.txt": "",
      "b/.h.png": dot,
    });
    const source = await openImages(folder.path);
    assert.deepEqual(source.classes, ["a", "b"]);
    assert.deepEqual(listed(source), [
      ["a/0.png", 0],
      ["a/x/1.JPG", 0],
      ["b/2.png", 1],
    ]);
    assert.deepEqual(await source.image(2), { kind: "file", path: join(folder.path, "b/2.png") });
  });

  test("without sub-folders is unlabelled", async () => {
    await using folder = await scratch();
    await folder.write({ "1.png": dot, "0.webp": dot });
    const source = await openImages(folder.path);
    assert.equal(source.labelled, false);
    assert.deepEqual(listed(source), [
      ["0.webp", null],
      ["1.png", null],
    ]);
  });

  test("named by WordNet ids takes its labels from a list of ImageNet names", async () => {
    await using folder = await scratch();
    await folder.write({ "n01443537/0.png": dot });
    const classes = ["n01440764 tench, Tinca tinca", "n01443537 goldfish, Carassius auratus"];
    const source = await openImages(folder.path, { classes });
    assert.deepEqual(listed(source), [["n01443537/0.png", 1]]);
  });

  test("takes labels from a table that names its images among others", async () => {
    await using folder = await scratch();
    await folder.write({ "set/0.png": dot, "set/1.png": dot });
    await folder.write({ "labels.csv": "file,label\nset/1.png,4\nset/0.png,3\nother/9.png,1\n" });
    const source = await openImages(join(folder.path, "set"), { labels: join(folder.path, "labels.csv") });
    assert.deepEqual(listed(source), [
      ["0.png", 3],
      ["1.png", 4],
    ]);
  });

  test("is refused when empty, mixed, or not of the classes", async () => {
    await using folder = await scratch();
    await folder.write({ "empty/readme.txt": "", "mixed/loose.png": dot, "mixed/a/0.png": dot });
    await folder.write({
      "named/a/0.png": dot,
      "named/classes.txt": "b\nc\n",
      "half.csv": "file,label\nx.png,1\n",
    });
    const at = (name: string): string => join(folder.path, name);
    await refused(() => openImages(at("empty")), "IMAGES_NONE", /empty holds no image/);
    await refused(
      () => openImages(at("mixed")),
      "LABELS_MISMATCH",
      /beside its class folders, first loose.png/,
    );
    await refused(() => openImages(at("named")), "LABELS_MISMATCH", /"a".*not one of the 2 class names/);
    const labels = at("half.csv");
    await refused(
      () => openImages(at("mixed/a"), { labels }),
      "LABELS_MISMATCH",
      /no row in .*half.csv, first 0.png/,
    );
  });
});

suite("a table of labels", () => {
  test("gives indices with the names of classes.txt beside it", async () => {
    await using folder = await scratch();
    await folder.write({ "a/0.png": dot, "1.png": dot, "classes.txt": "cat\r\ndog\r\n" });
    await folder.write({ "labels.csv": 'label,file,note\n1,./a/0.png,"x, y"\n0,1.png,\n' });
    for (const path of [folder.path, join(folder.path, "labels.csv")]) {
      const source = await openImages(path);
      assert.deepEqual(source.classes, ["cat", "dog"]);
      assert.deepEqual(listed(source), [
        ["a/0.png", 1],
        ["1.png", 0],
      ]);
    }
  });

  test("gives names, sorted when nothing lists them, from the column chosen", async () => {
    await using folder = await scratch();
    await folder.write({
      "0.png": dot,
      "1.png": dot,
      "t.csv": "file,label,kind\n0.png,7,spur\n1.png,8,open\n",
    });
    const source = await openImages(join(folder.path, "t.csv"), { labelColumn: "kind" });
    assert.deepEqual(source.classes, ["open", "spur"]);
    assert.deepEqual([source.label(0), source.label(1)], [1, 0]);
  });

  for (const [what, table, code, saying] of [
    ["a file that is not there", "file,label\n0.png,0\ngone.png,0\n", "LABELS_MISMATCH", /first gone.png/],
    ["no column of files", "path,label\n0.png,0\n", "LABELS_MISMATCH", /no column "file".*path, label/],
    ["two columns that may be labels", "file,label1,label2\n0.png,0,1\n", "LABELS_MISMATCH", /labelColumn/],
    ["a class beyond the names", "file,label\n0.png,2\n", "LABELS_MISMATCH", /class 2.*only 2 class names/],
    ["a name that is no class", "file,label\n0.png,cow\n", "LABELS_MISMATCH", /Record 2 .*"cow"/],
    ["too many fields", "file,label\n0.png,0,1\n", "IMAGE_SOURCE_DAMAGED", /Record 2 .*3 fields/],
    ["no rows", "file,label\n", "IMAGES_NONE", /no rows/],
  ] as const) {
    test(`is refused for ${what}`, async () => {
      await using folder = await scratch();
      await folder.write({ "0.png": dot, "classes.txt": "cat\ndog\n", "t.csv": table });
      await refused(() => openImages(join(folder.path, "t.csv")), code, saying);
    });
  }
});

suite("an IDX file", () => {
  test("gives grey images and finds its labels by name, gzip or not", async () => {
    await using folder = await scratch();
    await folder.write({
      "train-images-idx3-ubyte.gz": gzipSync(idx([2, 1, 2], [1, 2, 3, 4])),
      "train-labels-idx1-ubyte": idx([2], [1, 0]),
      "classes.txt": "a\nb",
    });
    const source = await openImages(join(folder.path, "train-images-idx3-ubyte.gz"));
    assert.deepEqual([source.kind, source.classes, source.label(0)], ["idx", ["a", "b"], 1]);
    assert.equal(source.id(1), "train-images-idx3-ubyte.gz#1");
    assert.deepEqual(await pixels(source, 1), raw(2, 1, 1, [3, 4]));
  });

  test("with four dimensions has its channels last or first", async () => {
    await using folder = await scratch();
    await folder.write({
      "last.idx": idx([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]),
      "first.idx": idx([1, 3, 1, 2], [1, 4, 2, 5, 3, 6]),
    });
    for (const name of ["last.idx", "first.idx"]) {
      const source = await openImages(join(folder.path, name));
      assert.equal(source.labelled, false);
      assert.deepEqual(await pixels(source, 0), raw(2, 1, 3, [1, 2, 3, 4, 5, 6]));
    }
  });

  test("is refused when truncated, torn, mislabelled or of strange shape", async () => {
    await using folder = await scratch();
    await folder.write({
      "short.idx": idx([2, 1, 2], [1, 2, 3]),
      "torn.idx.gz": gzipSync(idx([1, 64, 64], new Array(4096).fill(7))).subarray(0, 40),
      "shape.idx": idx([1, 2, 2, 2], new Array(8).fill(0)),
      "none.idx": idx([0, 2, 2], []),
      "two.idx": idx([2, 1, 1], [1, 2]),
      "three-labels.idx": idx([3], [0, 0, 0]),
    });
    const open = (name: string, labels?: string) => () =>
      openImages(join(folder.path, name), { labels: labels && join(folder.path, labels) });
    await refused(open("short.idx"), "IMAGE_SOURCE_DAMAGED", /2 x 1 x 2 = 4 bytes, it has 3/);
    await refused(open("torn.idx.gz"), "IMAGE_SOURCE_DAMAGED", /not a whole gzip/);
    await refused(open("shape.idx"), "IMAGE_SOURCE_DAMAGED", /1 x 2 x 2 x 2 are not images/);
    await refused(open("none.idx"), "IMAGES_NONE", /holds no image/);
    await refused(open("two.idx", "three-labels.idx"), "LABELS_MISMATCH", /has 3 labels.* has 2 images/);
  });
});

/** A header whose sizes are whole 32-bit numbers. */
const claiming = (dims: readonly number[], values: Uint8Array): Uint8Array => {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.set([0, 0, 8, dims.length]);
  for (const [i, size] of dims.entries()) header.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([header, values]);
};

suite("a packed file whose header or compression promises more than there is", () => {
  const most = 2 ** 32 - 1;
  const none = new Uint8Array();
  for (const [what, name, content, code, saying] of [
    ["4 billion images of no pixels", "a.idx", claiming([most, 0, 0], none), "DAMAGED", /of 0 x 0 pixels/],
    ["images of no height", "a.idx", claiming([most, 0, 28], none), "DAMAGED", /of 28 x 0 pixels/],
    [
      "images of no width, planes first",
      "a.idx",
      claiming([5, 3, 28, 0], none),
      "DAMAGED",
      /of 0 x 28 pixels/,
    ],
    ["4 billion images of a pixel", "a.idx", claiming([most, 1, 1], none), "TOO_LARGE", /4294967295 images/],
    ["sides whose product is beyond all", "a.idx", claiming([9, most, most, 3], none), "DAMAGED", /it has 0/],
    ["the same, packed", "a.idx.gz", gzipSync(claiming([9, most, most], none)), "TOO_LARGE", /768 MB/],
    [
      "more behind the last image, packed",
      "a.idx.gz",
      gzipSync(idx([1, 1, 1], [1, 2])),
      "DAMAGED",
      /more than the 17 bytes/,
    ],
    ["less than it says, packed", "a.idx.gz", gzipSync(idx([1, 1, 2], [1])), "DAMAGED", /2 bytes, it has 1/],
  ] as const) {
    test(`${what}: IMAGE_SOURCE_${code}`, async () => {
      await using folder = await scratch();
      await folder.write({ [name]: content });
      await refused(() => openImages(join(folder.path, name)), `IMAGE_SOURCE_${code}`, saying);
    });
  }

  test("a million zeros in a kilobyte are not unpacked beyond the limit, whether or not a header says them", async () => {
    const zeros = gzipSync(claiming([1, 1000, 1000], new Uint8Array(1e6)));
    assert.ok(zeros.length < 2000);
    const most = 100_000;
    await refused(
      () => readIdx(zeros, "zeros.gz", () => {}, most),
      "IMAGE_SOURCE_TOO_LARGE",
      /zeros\.gz.*100 kB/,
    );
    await refused(
      () => unpacked(zeros, "a.bin.gz", { most }),
      "IMAGE_SOURCE_TOO_LARGE",
      /a\.bin\.gz.*100 kB/,
    );
    assert.equal((await unpacked(zeros, "a.bin.gz", { most: 1_000_016 })).length, 1_000_016);
    const { dims, data } = await readIdx(zeros, "zeros.gz", () => {}, 1_000_016);
    assert.deepEqual([dims, data.length], [[1, 1000, 1000], 1e6]);
  });

  test("what looks gzip and is none is damaged, not a defect", async () => {
    await using folder = await scratch();
    await folder.write({ "a.idx": idx([1, 1, 1], [1]), "l.gz": Buffer.from([0x1f, 0x8b, 1, 2, 3]) });
    await refused(
      () => openImages(join(folder.path, "a.idx"), { labels: join(folder.path, "l.gz") }),
      "IMAGE_SOURCE_DAMAGED",
      /l\.gz/,
    );
  });
});

suite("a CIFAR-10 binary file", () => {
  const record = (label: number) => [
    label,
    ...new Array(1024).fill(10),
    ...new Array(1024).fill(20),
    ...new Array(1024).fill(30),
  ];

  test("gives a label byte and planes as pixels, gzip or not", async () => {
    await using folder = await scratch();
    const bytes = Uint8Array.from([...record(3), ...record(9)]);
    await folder.write({ "a.bin": bytes, "b.bin.gz": gzipSync(bytes) });
    for (const name of ["a.bin", "b.bin.gz"]) {
      const source = await openImages(join(folder.path, name));
      assert.deepEqual([source.kind, source.length, source.label(1)], ["cifar", 2, 9]);
      const { data, ...shape } = await pixels(source, 0);
      assert.deepEqual(shape, { kind: "raw", width: 32, height: 32, channels: 3 });
      assert.deepEqual([...data.subarray(0, 6)], [10, 20, 30, 10, 20, 30]);
    }
  });

  test("is refused when truncated or with a class beyond the names", async () => {
    await using folder = await scratch();
    await folder.write({ "cut.bin": Uint8Array.from(record(0)).subarray(0, 3000) });
    await folder.write({ "ten/a.bin": Uint8Array.from(record(2)), "ten/batches.meta.txt": "a\nb\n\n" });
    await refused(() => openImages(join(folder.path, "cut.bin")), "IMAGE_SOURCE_DAMAGED", /3000 bytes/);
    await refused(() => openImages(join(folder.path, "ten/a.bin")), "LABELS_MISMATCH", /class 2/);
  });
});

suite("a path", () => {
  test("to one image is a source of one", async () => {
    await using folder = await scratch();
    await folder.write({ "one.png": dot });
    const source = await openImages(join(folder.path, "one.png"));
    assert.deepEqual(listed(source), [["one.png", null]]);
  });

  test("to nothing, to something else or to a folder of packed files says what would do", async () => {
    await using folder = await scratch();
    await folder.write({
      "text.md": "hello",
      "data.yml": "path: .",
      "coco.json": "{}",
      "packed/x.bin.gz": gzipSync(""),
    });
    const at = (name: string): string => join(folder.path, name);
    await refused(() => openImages(at("gone")), "IMAGE_SOURCE_UNKNOWN", /no images at .*gone/);
    await refused(() => openImages(at("text.md")), "IMAGE_SOURCE_UNKNOWN", /Expected a CSV.*IDX.*CIFAR/);
    await refused(() => openImages(at("data.yml")), "IMAGE_SOURCE_UNKNOWN", /give the folder of the images/);
    await refused(() => openImages(at("coco.json")), "IMAGE_SOURCE_UNKNOWN", /this file by --labels/);
    await refused(() => openImages(at("packed")), "IMAGE_SOURCE_UNKNOWN", /Name one of its files: x.bin.gz/);
  });

  test("that needs no labels refuses them instead of ignoring them", async () => {
    await using folder = await scratch();
    await folder.write({ "one.png": dot });
    const open = () => openImages(join(folder.path, "one.png"), { labels: "labels.csv" });
    await refused(open, "LABELS_MISMATCH", /takes no separate labels/);
  });

  test("to class names that are missing or blank in the middle is refused", async () => {
    await using folder = await scratch();
    await folder.write({ "0.png": dot, "blank.txt": "a\n\nb\n" });
    const open = (classes: string) => () => openImages(folder.path, { classes: join(folder.path, classes) });
    await refused(open("gone.txt"), "LABEL_FILE_MISSING", /gone.txt/);
    await refused(open("blank.txt"), "LABELS_MISMATCH", /line 2 is blank/);
  });
});

async function pixels(source: ImageSource, index: number) {
  const image = await source.image(index);
  assert.ok(image.kind === "raw");
  return { ...image, data: Uint8Array.from(image.data) };
}
