import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type ImageSource, openImages, readTable } from "../src/index.ts";
import { level, png, refused, scratch } from "./fixtures.ts";

const dot = await png(level(1));

const listed = (source: ImageSource): [string, number | null][] =>
  Array.from({ length: source.length }, (_, i) => [source.id(i), source.label(i)]);

/** A folder with a.png, b.png, `c d.png` and x/e.png, and the table. */
async function withTable<T>(
  table: string | Uint8Array,
  work: (csv: string, folder: string) => Promise<T>,
): Promise<T> {
  await using folder = await scratch();
  await folder.write({ "a.png": dot, "b.png": dot, "c d.png": dot, "x/e.png": dot, "t.csv": table });
  return await work(join(folder.path, "t.csv"), folder.path);
}

const read = (table: string | Uint8Array, classes?: readonly string[]) =>
  withTable(table, async (csv) => {
    const source = await openImages(csv, { classes });
    return { rows: listed(source), classes: source.classes, remarks: source.remarks };
  });

suite("a table of labels is read", () => {
  const rows = [
    ["a.png", 0],
    ["x/e.png", 1],
  ];
  for (const [what, table] of [
    ["with CRLF and a byte-order mark", "\uFEFFfile,label\r\na.png,0\r\nx/e.png,1\r\n"],
    ["separated by semicolons", "file;label;note\na.png;0;1,5\nx/e.png;1;\n"],
    ["separated by tabs", "file\tlabel\na.png\t0\nx/e.png\t1\n"],
    ["with quoted fields", '"file","label"\n"a.png","0"\n"x/e.png"," 1"\n'],
    ["whose header has capitals and spaces", "File , LABEL\na.png,0\nx/e.png,1\n"],
    ["with backslashes", "file,label\n.\\a.png,0\nx\\e.png,1\n"],
    ["with dots", "file,label\n./a.png,0\nx/../x/./e.png,1\n"],
    ["with emptied rows", "file,label\na.png,0\n,\nx/e.png,1\n , \n"],
  ] as const) {
    test(what, async () => assert.deepEqual((await read(table)).rows, rows));
  }

  test("with absolute paths, inside its folder and outside", async () => {
    await withTable("", async (_, folder) => {
      await using elsewhere = await scratch();
      const table = `file,label\n${folder}/a.png,0\n${folder}/x/e.png,1\n`;
      await elsewhere.write({ "t.csv": table });
      const outside = await openImages(join(elsewhere.path, "t.csv"));
      assert.deepEqual(listed(outside), [
        [`${folder}/a.png`, 0],
        [`${folder}/x/e.png`, 1],
      ]);
      assert.deepEqual(await outside.image(0), { kind: "file", path: join(folder, "a.png") });
      const labelled = await openImages(join(folder, "x"), { labels: join(elsewhere.path, "t.csv") });
      assert.deepEqual(listed(labelled), [["e.png", 1]]);
    });
    await using folder = await scratch();
    await folder.write({ "a.png": dot, "t.csv": `file,label\n${folder.path}/a.png,3\n` });
    assert.deepEqual(listed(await openImages(join(folder.path, "t.csv"))), [["a.png", 3]]);
  });

  test("with a file given twice under one label once, and says so", async () => {
    const found = await read("file,label\na.png,0\nb.png,1\n./a.png,0\n");
    assert.equal(found.rows.length, 2);
    assert.match(found.remarks?.join() ?? "", /names a.png more than once/);
  });

  test("by name where classes are called by numbers", async () => {
    assert.deepEqual((await read("file,label\na.png,10\nb.png,2\n", ["1", "10", "2"])).rows, [
      ["a.png", 1],
      ["b.png", 2],
    ]);
    assert.deepEqual((await read("file,label\na.png,2\nb.png,other\n", ["1", "2", "other"])).rows, [
      ["a.png", 1],
      ["b.png", 2],
    ]);
  });
});

suite("a table of labels is refused by record", () => {
  const two = ["cat", "dog"];
  for (const [what, rows, saying, classes] of [
    ["an empty label", "a.png,0\nb.png,\n", /Record 3 .*empty label/],
    ["a blank label among names", "a.png,cat\nb.png, \n", /Record 3 .*empty label/, two],
    ["a negative label", "a.png,-1\nb.png,0\n", /Record 2 .*-1, which is negative/],
    ["a decimal label", "a.png,1.0\nb.png,0\n", /Record 2 .*1.0, which is not a whole number/],
    ["an exponent", "a.png,0\nb.png,1e3\n", /Record 3 .*1e3, which is not a whole number/],
    ["a number beyond the class names", "a.png,0\nb.png,2\n", /Record 3 .*class 2.*2 class names/, two],
    ["a missing value", "a.png,cat\nb.png,nan\n", /Record 3 .*"nan".*missing value/],
    ["names among numbers", "a.png,0\nb.png,dog\n", /Record 3 .*"dog" and record 2 the number 0/],
    ["a name that is no class", "a.png,cat\nb.png,cow\n", /Record 3 .*"cow"/, two],
    ["two labels of one file", "a.png,0\nb.png,1\n./a.png,1\n", /Records 2 and 4 .*a.png.*"0" and "1"/],
    ["no file", "a.png,0\n,1\n", /Record 3 .*names no file/],
    ["a URL", "file:///tmp/a.png,0\n", /Record 2 .*a URL/],
    ["an address", "https://example.com/a.png,0\n", /Record 2 .*a URL/],
    ["a path of Windows", "C:\\set\\a.png,0\n", /Record 2 .*a path of Windows/],
    ["a path encoded for a URL", "a.png,0\nc%20d.png,1\n", /first c%20d.png. c d.png exists/],
    ["a folder", "x,0\n", /no regular files, first x/],
  ] as const) {
    test(`for ${what}`, async () => {
      await refused(() => read(`file,label\n${rows}`, classes), "LABELS_MISMATCH", saying);
    });
  }

  for (const label of ["2000000000", "1000000", "99999999999999999999"]) {
    test(`for the label ${label}, which no model has a class for`, async () => {
      await refused(
        () => read(`file,label\na.png,999999\nb.png,${label}\n`),
        "LABEL_TOO_LARGE",
        new RegExp(`Record 3 .*${label}, which is no class index: the largest is 999999`),
      );
    });
  }

  for (const header of ["filename", "path", "image"]) {
    test(`for a column ${header}, with advice`, async () => {
      await refused(
        () => read(`${header},label\na.png,0\n`),
        "LABELS_MISMATCH",
        new RegExp(`${header}.*Rename.*"file"`),
      );
    });
  }

  test("for two columns of one name", async () => {
    await refused(() => read("file,label,label\na.png,0,1\n"), "LABELS_MISMATCH", /2 columns "label"/);
  });

  test("for what is no text in UTF-8", async () => {
    for (const [bytes, saying] of [
      [Buffer.from("\uFEFFfile,label\na.png,0\n", "utf16le"), /UTF-16/],
      [dot, /not text/],
      [Buffer.from("file,label\na.png,caf\xe9\n", "latin1"), /not UTF-8/],
    ] as const) {
      await refused(() => read(bytes), "IMAGE_SOURCE_DAMAGED", saying);
    }
  });
});

suite("a file of labels or names that cannot be opened is missing input", () => {
  const idx = (dims: readonly number[], values: readonly number[]) =>
    Uint8Array.from([0, 0, 8, dims.length, ...dims.flatMap((size) => [0, 0, 0, size]), ...values]);

  test("for a folder, an IDX file and class names: missing, or itself a folder", async () => {
    await using folder = await scratch();
    await folder.write({ "set/a.png": dot, "i.idx": idx([1, 1, 1], [7]), "sub/x.txt": "" });
    const at = (name: string) => join(folder.path, name);
    for (const name of ["nope.csv", "sub"]) {
      const saying = new RegExp(name);
      await refused(() => openImages(at("set"), { labels: at(name) }), "LABEL_FILE_MISSING", saying);
      await refused(() => openImages(at("i.idx"), { labels: at(name) }), "LABEL_FILE_MISSING", saying);
      await refused(() => openImages(at("set"), { classes: at(name) }), "LABEL_FILE_MISSING", saying);
    }
  });

  test("for one without permission", { skip: process.getuid?.() === 0 && "root reads all" }, async () => {
    await using folder = await scratch();
    await folder.write({ "set/a.png": dot, "t.csv": "file,label\nset/a.png,0\n" });
    await chmod(join(folder.path, "t.csv"), 0);
    await refused(
      () => openImages(join(folder.path, "set"), { labels: join(folder.path, "t.csv") }),
      "LABEL_FILE_MISSING",
      /EACCES/,
    );
  });
});

test("a table of 100,000 columns is read, and two of one name among them are found", async () => {
  await using folder = await scratch();
  const names = Array.from({ length: 100_000 }, (_, i) => `c${i}`);
  const at = (name: string) => join(folder.path, name);
  await folder.write({
    "a.csv": `file,${names.join()}\n`,
    "b.csv": `file,${names.join()},c7\na.png,${names.join()},1\n`,
  });
  await refused(() => readTable(at("a.csv")), "IMAGES_NONE", /no rows/);
  await refused(() => readTable(at("b.csv")), "LABELS_MISMATCH", /two columns "c7"/);
});
