import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, mkdir, symlink } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { suite, test } from "node:test";
import sharp from "sharp";
import { type ImageSource, openImages, skippedSentence, unreadableClasses } from "../src/index.ts";
import { level, png, refused, scratch } from "./fixtures.ts";

const dot = await png(level(1));
const jpeg = await sharp(dot).jpeg().toBuffer();
/** ISO/IEC 14496-12: size, "ftyp", major brand, minor version, compatible brands. */
const ftyp = (...brands: readonly string[]) =>
  Buffer.concat([
    Buffer.from([0, 0, 0, 12 + 4 * brands.length]),
    Buffer.from(`ftyp${brands[0]}\0\0\0\0${brands.slice(1).join("")}`),
  ]);
const heic = ftyp("heic", "mif1", "heic");
const jp2 = Buffer.from("0000000c6a5020200d0a870a", "hex");

const ids = (source: ImageSource): string[] => Array.from({ length: source.length }, (_, i) => source.id(i));
function counted({ skipped = [] }: ImageSource): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind, count } of skipped) counts[kind] = (counts[kind] ?? 0) + count;
  return counts;
}

suite("what an image is", () => {
  test("is told by the content of a file that has no extension, a wrong one or one in capitals", async () => {
    await using folder = await scratch();
    await folder.write({
      "a/0001": jpeg,
      "a/b.heic": jpeg,
      "a/c.dat": dot,
      "b/D.JFIF": jpeg,
      "b/e.jpe": jpeg,
      "b/f.pjpeg": jpeg,
    });
    const source = await openImages(folder.path);
    assert.deepEqual(ids(source), ["a/0001", "a/b.heic", "a/c.dat", "b/D.JFIF", "b/e.jpe", "b/f.pjpeg"]);
    assert.deepEqual(source.skipped, []);
    assert.equal((await openImages(join(folder.path, "a/0001"))).length, 1);
  });

  test("is counted and named where its format is not decoded; other files are listed and not said", async () => {
    await using folder = await scratch();
    await folder.write({ "a/0.png": dot, "a/1.HEIC": heic, "b/2": heic, "b/3.jp2": jp2, "b/4.jpg": jpeg });
    await folder.write({ LICENSE: "text", "a/Thumbs.db": "x", "a/desktop.ini": "x", "b/x.json": "{}" });
    await folder.write({ "b/y.json": "{}", "a/._0.png": "x", "a/.DS_Store": "x", "b/photo.tga": "x" });
    const source = await openImages(folder.path);
    assert.deepEqual(ids(source), ["a/0.png", "b/4.jpg"]);
    assert.deepEqual(counted(source), {
      "HEIC image": 2,
      "JPEG 2000 image": 1,
      "Targa image": 1,
      "hidden file": 2,
      ".json file": 2,
      ".db file": 1,
      ".ini file": 1,
      "file without extension": 1,
    });
    const sentence = skippedSentence(source) ?? "";
    assert.match(sentence, /4 files look like images and are not read: 2 HEIC images \(a\/1.HEIC, b\/2\), /);
    assert.doesNotMatch(sentence, /json|LICENSE|Thumbs|hidden/);
  });

  test("that is not read is an error under strict, and a readable set is not", async () => {
    await using folder = await scratch();
    await folder.write({ "a/0.png": dot, "a/readme.txt": "x", ".DS_Store": "x" });
    assert.equal((await openImages(folder.path, { strict: true })).length, 1);
    await folder.write({ "a/1.heic": heic });
    await refused(
      () => openImages(folder.path, { strict: true }),
      "IMAGES_UNREADABLE",
      /1 HEIC image \(a\/1/,
    );
  });

  test("a thumbnail inside a camera's raw file is not", async () => {
    await using folder = await scratch();
    const tiff = await sharp(dot).tiff().toBuffer();
    await folder.write({ "0.nef": tiff, "1.tif": tiff });
    const source = await openImages(folder.path);
    assert.deepEqual([ids(source), counted(source)], [["1.tif"], { "camera raw image": 1 }]);
  });

  test("a folder of nothing but undecoded images says which", async () => {
    await using folder = await scratch();
    await folder.write({ "0.heic": heic, "1.heic": heic });
    await refused(() => openImages(folder.path), "IMAGES_NONE", /2 HEIC images \(0.heic, 1.heic\)/);
  });
});

suite("what lies in a folder", () => {
  test("links to folders and files are followed, also two to the same", async () => {
    await using folder = await scratch();
    await folder.write({ "store/0.png": dot, "set/a/1.png": dot });
    await symlink("../store", join(folder.path, "set/b"));
    await symlink("../store", join(folder.path, "set/c"));
    await symlink("../../store/0.png", join(folder.path, "set/a/2.png"));
    const source = await openImages(join(folder.path, "set"));
    assert.deepEqual(source.classes, ["a", "b", "c"]);
    assert.deepEqual(ids(source), ["a/1.png", "a/2.png", "b/0.png", "c/0.png"]);
  });

  test("links that lead back or nowhere end, and are counted", async () => {
    await using folder = await scratch();
    await folder.write({ "a/0.png": dot, "b/x/1.png": dot });
    await symlink("..", join(folder.path, "a/up"));
    await symlink("../../b", join(folder.path, "b/x/again"));
    await symlink(".", join(folder.path, "self"));
    await symlink("gone.png", join(folder.path, "a/lost.png"));
    await symlink("round", join(folder.path, "a/round"));
    const source = await openImages(folder.path);
    assert.deepEqual(
      [source.classes, ids(source)],
      [
        ["a", "b"],
        ["a/0.png", "b/x/1.png"],
      ],
    );
    assert.deepEqual(counted(source), { "dangling link": 2, "link to a folder above it": 3 });
  });

  test("what systems leave behind is no class", async () => {
    await using folder = await scratch();
    const left = ["__MACOSX", ".ipynb_checkpoints", "@eaDir", "$RECYCLE.BIN", ".hidden"];
    await folder.write({ "a/0.png": dot, "b/1.png": dot, "b/@eaDir/1.png": dot });
    await folder.write(Object.fromEntries(left.map((name) => [`${name}/0.png`, dot])));
    const source = await openImages(folder.path);
    assert.deepEqual(source.classes, ["a", "b"]);
    assert.deepEqual(ids(source), ["a/0.png", "b/1.png"]);
    assert.deepEqual(counted(source), { "system folder": 4, "hidden folder": 2 });
    assert.equal(skippedSentence(source), null);
  });

  test("pipes and sockets are never opened, whatever their names", { timeout: 60_000 }, async () => {
    await using folder = await scratch();
    await folder.write({ "a/0.png": dot, "t.csv": "file,label\na/0.png,0\na/x.png,0\n" });
    execFileSync("mkfifo", [join(folder.path, "a/x.png"), join(folder.path, "a/y")]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder.path, "a/z.png"), resolve));
    try {
      const source = await openImages(folder.path, { classes: ["a"] });
      assert.deepEqual(ids(source), ["a/0.png"]);
      assert.deepEqual(counted(source), { pipe: 2, socket: 1, ".csv file": 1 });
      await refused(() => openImages(join(folder.path, "a/x.png")), "IMAGE_SOURCE_UNKNOWN", /is a pipe/);
      await refused(
        () => openImages(join(folder.path, "t.csv")),
        "LABELS_MISMATCH",
        /no regular files.*a\/x.png/,
      );
    } finally {
      server.close();
    }
  });

  test("a device is no source of images", async () => {
    await refused(() => openImages("/dev/null"), "IMAGE_SOURCE_UNKNOWN", /device/);
  });

  test("a folder that cannot be read is refused by name", {
    skip: process.getuid?.() === 0 && "root reads all",
  }, async () => {
    await using folder = await scratch();
    await folder.write({ "a/0.png": dot, "b/1.png": dot });
    await chmod(join(folder.path, "b"), 0);
    await refused(() => openImages(folder.path), "IMAGE_SOURCE_UNKNOWN", /b cannot be read/);
    await chmod(join(folder.path, "b"), 0o755);
  });

  test("an empty class folder is said, with what in it is not read", async () => {
    await using folder = await scratch();
    await folder.write({ "a/0.png": dot, "c/0.heic": heic, "c/1.heic": heic });
    await mkdir(join(folder.path, "b"));
    const source = await openImages(folder.path);
    assert.deepEqual(source.classes, ["a", "b", "c"]);
    assert.match(
      source.remarks?.join() ?? "",
      /2 class folders .* no image.*: "b", "c" \(2 that are not read\)/,
    );
  });

  test("folders without images beside images make no classes", async () => {
    await using folder = await scratch();
    await folder.write({ "0.png": dot, "labels/0.txt": "0 0.5 0.5 1 1" });
    const source = await openImages(folder.path);
    assert.deepEqual([source.labelled, ids(source)], [false, ["0.png"]]);
    assert.match(source.remarks?.join() ?? "", /labels.*unlabelled/);
  });

  test("a class all of whose images are unreadable is named", async () => {
    await using folder = await scratch();
    await folder.write({ "a/0.png": dot, "a/1.png": "x", "b/0.png": "x", "b/1.png": "" });
    const source = await openImages(folder.path);
    assert.deepEqual(unreadableClasses(source, new Set(["a/1.png", "b/0.png", "b/1.png"])), ["b"]);
    assert.deepEqual(unreadableClasses(source, new Set(["a/1.png", "b/0.png"])), []);
  });
});

suite("splits", () => {
  const refusedAs = (files: readonly string[], saying: RegExp, classes?: readonly string[]) => async () => {
    await using folder = await scratch();
    await folder.write(Object.fromEntries(files.map((file) => [file, dot])));
    await refused(() => openImages(folder.path, { classes }), "LABELS_MISMATCH", saying);
  };
  const classesOf = async (files: readonly string[], classes?: readonly string[]) => {
    await using folder = await scratch();
    await folder.write(Object.fromEntries(files.map((file) => [file, dot])));
    return (await openImages(folder.path, { classes })).classes;
  };

  test(
    "above classes are named with a path to give",
    refusedAs(["train/a/0.png", "val/a/0.png", "test/b/0.png"], /test, train, val.*splits.*\/test\./),
  );
  test(
    "are known in any letter case and wording",
    refusedAs(["Training/a/0.png", "VALID/a/0.png"], /splits.*VALID/),
  );
  test("of loose images are no classes either", refusedAs(["train/0.png", "test/0.png"], /splits/));
  test(
    "beside other folders are known by their equal classes",
    refusedAs(["train/a/0.png", "val/a/0.png", "docs/0.png"], /train, val.*splits/),
  );
  test("alone above classes is one too", refusedAs(["train/a/0.png", "train/b/0.png"], /train/));
  test("beside a folder without images are all there is", async () => {
    await using folder = await scratch();
    await folder.write({ "train/0.png": dot, "test/0.png": dot, "annotations/x.json": "{}" });
    await refused(() => openImages(folder.path), "LABELS_MISMATCH", /splits/);
  });

  test("are not meant where a class is called like one", async () => {
    assert.deepEqual(await classesOf(["test/0.png", "ok/0.png"]), ["ok", "test"]);
    assert.deepEqual(await classesOf(["train/0.png", "car/0.png", "test/1.png"]), ["car", "test", "train"]);
    assert.deepEqual(await classesOf(["train/0.png"]), ["train"]);
  });

  test("are classes where class names say so", async () => {
    assert.deepEqual(await classesOf(["train/0.png", "test/0.png"], ["train", "test"]), ["train", "test"]);
  });

  test("a folder in a folder of classes is said", async () => {
    await using folder = await scratch();
    await folder.write({ "set/a/0.png": dot, "set/b/0.png": dot });
    const source = await openImages(folder.path);
    assert.match(source.remarks?.join() ?? "", /of one class, "set".*give .*\/set/);
  });
});
