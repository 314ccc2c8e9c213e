/** A packed model is unpacked to the byte, or not at all. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { brotliDecompressSync } from "node:zlib";
import { CupelError, createRandom, type Progress, silentProgress } from "@cupel/base";
import { encodeModelBytes, readModel, Tensor, writeModelFile } from "@cupel/onnx";
import { packSymbols } from "../src/emit/pack-symbols.ts";
import { compressErrors, packModel, unpackModel } from "../src/index.ts";
import { encodeHeader, nameProblem } from "../src/pack/container.ts";
import { Network } from "./support/network.ts";

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "cupel-pack-"));
  folders.push(folder);
  return folder;
}

/** A convolution of 3 x 3, codes in two planes as `emitUnpacking` names them, scales, halves, and integers. */
function model() {
  const random = createRandom(5);
  const net = new Network();
  const built = net.done(net.node("Flatten", "y", [net.conv("layer", net.x, 3, 7)]));
  const codes = Uint8Array.from({ length: 999 }, () => 4 + random.normal()).map((code) => code & 7);
  const { low, high } = packSymbols(codes, 3);
  const { graph } = built;
  graph.addConstant("a.p", Tensor.uint8([low.length], low));
  graph.addConstant("a.h", Tensor.uint8([high.length], high));
  graph.addConstant(
    "a.s",
    Tensor.float32(
      [64],
      Float32Array.from({ length: 64 }, () => random.normal()),
    ),
  );
  graph.addConstant(
    "a.q",
    Tensor.int8(
      [8, 2, 3, 3],
      Int8Array.from({ length: 144 }, () => 20 * random.normal()),
    ),
  );
  graph.addConstant("a.f", Tensor.fromBytes("float16", [100], new Uint8Array(200).fill(60)));
  graph.addConstant(
    "a.i",
    Tensor.int32(
      [50],
      Int32Array.from({ length: 50 }, () => 1000 * random.normal()),
    ),
  );
  graph.addConstant("a.4", Tensor.fromBytes("int4", [301], new Uint8Array(151).fill(0x1f)));
  return built;
}

async function packed(bytes: Uint8Array): Promise<{ folder: string; file: string; content: Buffer }> {
  const folder = await scratch();
  await writeFile(join(folder, "m.onnx"), bytes);
  const file = join(folder, "m.cupel");
  await packModel(join(folder, "m.onnx"), { out: file });
  return { folder, file, content: await readFile(file) };
}

const codeOf = (thrown: unknown) => (thrown instanceof CupelError ? thrown.code : String(thrown));

test("a model comes back to the byte, and smaller", async () => {
  const bytes = encodeModelBytes(model());
  const { folder, file, content } = await packed(bytes);
  assert.ok(content.length < bytes.length);
  const told = await unpackModel(file, { out: join(folder, "out", "again.onnx") });
  assert.deepEqual(await readFile(join(folder, "out", "again.onnx")), Buffer.from(bytes));
  assert.deepEqual(told.bytes, { packed: content.length, unpacked: bytes.length });
  assert.deepEqual(await readdir(join(folder, "out")), ["again.onnx"]);
  assert.throws(() => readModel(content, { name: "m.cupel" }), {
    code: "MODEL_PACKED",
    message: /cupel unpack m\.cupel/,
  });
});

describe("weights beside the model", () => {
  const written = async () => {
    const folder = await scratch();
    const { dataPath } = await writeModelFile(model(), join(folder, "m.onnx"), {
      externalData: { minBytes: 200 },
    });
    const file = join(folder, "m.cupel");
    const { files } = await packModel(join(folder, "m.onnx"), { out: file });
    return { folder, file, files, name: files[1]!.name, dataPath: dataPath! };
  };

  test("come back to the byte, under the names that the model knows", async () => {
    const { folder, file, name, dataPath } = await written();
    const out = join(folder, "out", "other.onnx");
    await unpackModel(file, { out });
    assert.deepEqual(await readFile(out), await readFile(join(folder, "m.onnx")));
    assert.deepEqual(await readFile(join(folder, "out", name)), await readFile(dataPath));
    // Once more over what is there.
    await unpackModel(file, { out });
  });

  test("replace nothing that is something else, and go nowhere through a link", async () => {
    const { folder, file, name } = await written();
    await mkdir(join(folder, "out"));
    await writeFile(join(folder, "out", name), "mine");
    await assert.rejects(unpackModel(file, { out: join(folder, "out", "m.onnx") }), {
      code: "UNPACK_WOULD_REPLACE",
    });
    assert.deepEqual(await readdir(join(folder, "out")), [name]);
    assert.equal(await readFile(join(folder, "out", name), "utf8"), "mine");
    await mkdir(join(folder, "linked"));
    await symlink(folder, join(folder, "linked", "w"));
    const hostile = encodeHeader([
      { name: "m.onnx", bytes: 0, sha256: "0".repeat(64), parts: [] },
      { name: "w/x", bytes: 0, sha256: "0".repeat(64), parts: [] },
    ]);
    await writeFile(join(folder, "h.cupel"), hostile);
    await assert.rejects(unpackModel(join(folder, "h.cupel"), { out: join(folder, "linked", "m.onnx") }), {
      code: "UNPACK_WOULD_REPLACE",
    });
  });

  test("that are damaged leave no model either, and what was there stays", async () => {
    const { folder, file, name } = await written();
    const content = await readFile(file);
    await mkdir(join(folder, "out"));
    await writeFile(join(folder, "out", "m.onnx"), "old");
    for (const cut of [content.length - 1, content.length - 100]) {
      await writeFile(file, content.subarray(0, cut));
      await assert.rejects(unpackModel(file, { out: join(folder, "out", "m.onnx") }), {
        code: "PACKED_TRUNCATED",
      });
    }
    assert.deepEqual(await readdir(join(folder, "out")), ["m.onnx"], name);
    assert.equal(await readFile(join(folder, "out", "m.onnx"), "utf8"), "old");
  });

  test("that are missing, or lie outside, are said", async () => {
    const { folder, dataPath } = await written();
    await rm(dataPath);
    await assert.rejects(packModel(join(folder, "m.onnx"), { out: join(folder, "n.cupel") }), {
      code: "EXTERNAL_DATA_MISSING",
    });
  });
});

test("cut off anywhere, with any byte changed, or with bytes behind it, it is a coded error or the same bytes, and nothing is half written", async () => {
  const bytes = encodeModelBytes(model());
  const { folder, content } = await packed(bytes);
  const file = join(folder, "broken.cupel");
  const out = join(folder, "out", "m.onnx");
  const codes = new Set<string>();
  const tried = async (broken: Uint8Array) => {
    await writeFile(file, broken);
    try {
      await unpackModel(file, { out });
      assert.deepEqual(await readFile(out), Buffer.from(bytes));
      await rm(out);
      codes.add("same");
    } catch (thrown) {
      codes.add(codeOf(thrown));
    }
    assert.deepEqual(await readdir(join(folder, "out")).catch(() => []), []);
  };
  // All places in the long form; else all of the header and some of the rest.
  const step = process.env.CUPEL_LONG_TESTS ? 1 : 41;
  for (let at = 0; at < content.length; at += at < 64 ? 1 : step) {
    await tried(content.subarray(0, at));
    await tried(content.with(at, content[at]! ^ (1 << (at % 8))));
  }
  await tried(Buffer.concat([content, Buffer.from([0])]));
  for (const code of codes) assert.ok(code === "same" || Object.hasOwn(compressErrors.specs, code), code);
  assert.ok(
    ["PACKED_UNKNOWN", "PACKED_TOO_NEW", "PACKED_TRUNCATED", "PACKED_DAMAGED"].every((code) =>
      codes.has(code),
    ),
  );
});

describe("a hostile header", () => {
  const file = { name: "m.onnx", bytes: 8, sha256: "0".repeat(64), parts: [[{ start: 0, length: 8 }]] };
  const cases: readonly (readonly [string, Parameters<typeof encodeHeader>[0], string])[] = [
    ["no file", [], "PACKED_DAMAGED"],
    ["a name that leads out", [{ ...file, name: "../m.onnx" }], "PACKED_DAMAGED"],
    ["two files of one name", [file, { ...file, name: "M.onnx" }], "PACKED_DAMAGED"],
    ["a gap", [{ ...file, parts: [[{ start: 1, length: 7 }]] }], "PACKED_DAMAGED"],
    [
      "an overlap",
      [{ ...file, parts: [[{ start: 0, length: 8 }], [{ start: 4, length: 4 }]] }],
      "PACKED_DAMAGED",
    ],
    [
      "a part too large",
      [{ ...file, bytes: 2 ** 23, parts: [[{ start: 0, length: 2 ** 23 }]] }],
      "PACKED_DAMAGED",
    ],
    ["more than the parts hold", [{ ...file, bytes: 9 }], "PACKED_DAMAGED"],
    ["too many files", Array.from({ length: 501 }, (_, i) => ({ ...file, name: `${i}` })), "PACKED_DAMAGED"],
    [
      "parts that all wait for the end",
      [
        {
          ...file,
          bytes: 40 * 2 ** 21,
          parts: Array.from({ length: 20 }, (_, i) => [
            { start: i * 2 ** 21, length: 2 ** 21 },
            { start: (i + 20) * 2 ** 21, length: 2 ** 21 },
          ]),
        },
      ],
      "PACKED_DAMAGED",
    ],
    [
      "zeros without end",
      [
        {
          ...file,
          bytes: 100 * 2 ** 22,
          parts: Array.from({ length: 100 }, (_, i) => [{ start: i * 2 ** 22, length: 2 ** 22 }]),
        },
      ],
      "PACKED_TOO_LARGE",
    ],
  ];
  for (const [what, files, code] of cases) {
    test(`of ${what} is refused`, async () => {
      const folder = await scratch();
      await writeFile(join(folder, "h.cupel"), encodeHeader(files));
      await assert.rejects(unpackModel(join(folder, "h.cupel"), { out: join(folder, "out", "m.onnx") }), {
        code,
      });
      assert.deepEqual(await readdir(folder), ["h.cupel"]);
    });
  }

  test("names that mean more to some system are none", () => {
    for (const name of ["", "/a", "a/../b", ".npmrc", "a/.git/b", "a\\b", "C:a", "a\u0000", "a.", "con/ "]) {
      assert.notEqual(nameProblem(name), null, name);
    }
    for (const name of ["m.onnx", "weights/layer 1.bin", "重み.data"])
      assert.equal(nameProblem(name), null, name);
  });
});

test("what is no model, and an output that is the input, are refused; a cancelled packing leaves nothing", async () => {
  const folder = await scratch();
  const at = (name: string) => join(folder, name);
  await writeFile(at("m.onnx"), encodeModelBytes(model()));
  await writeFile(at("x.onnx"), "GIF89a");
  await writeFile(at("empty.onnx"), "");
  for (const [name, code] of [
    ["x.onnx", "MODEL_NOT_PROTOBUF"],
    ["empty.onnx", "MODEL_NOT_PROTOBUF"],
    ["none.onnx", "MODEL_NOT_FOUND"],
    [".", "MODEL_NOT_FOUND"],
  ] as const) {
    await assert.rejects(packModel(at(name), { out: at("o.cupel") }), { code });
  }
  await assert.rejects(packModel(at("m.onnx"), { out: at("m.onnx") }), { code: "OUTPUT_IS_INPUT" });
  await assert.rejects(packModel(at("m.onnx"), { out: at("o.cupel"), signal: AbortSignal.abort() }), {
    code: "CANCELLED",
  });
  assert.deepEqual((await readdir(folder)).sort(), ["empty.onnx", "m.onnx", "x.onnx"]);
});

test("a model that changes or becomes shorter while it is packed is said, and nothing is written", async () => {
  for (const change of [
    (path: string, bytes: Uint8Array) =>
      writeFileSync(path, bytes.with(bytes.length - 1, 255 - bytes.at(-1)!)),
    (path: string, bytes: Uint8Array) => writeFileSync(path, bytes.subarray(0, 100)),
  ]) {
    const folder = await scratch();
    const path = join(folder, "m.onnx");
    const bytes = encodeModelBytes(model());
    await writeFile(path, bytes);
    const progress: Progress = {
      start(...task) {
        // Digests are taken, no part is read.
        change(path, bytes);
        return silentProgress.start(...task);
      },
    };
    await assert.rejects(packModel(path, { out: join(folder, "o.cupel"), progress }), {
      code: "PACK_INPUT_CHANGED",
    });
    assert.deepEqual(await readdir(folder), ["m.onnx"]);
  }
});

test("the header is JSON in Brotli where the document says", () => {
  const header = Buffer.from(encodeHeader([{ name: "m.onnx", bytes: 0, sha256: "0".repeat(64), parts: [] }]));
  assert.equal(header.subarray(0, 9).toString("hex"), "894355504b0d0a1a01");
  assert.equal(header.readUInt32LE(9), header.length - 45);
  assert.deepEqual(JSON.parse(brotliDecompressSync(header.subarray(45)).toString()), {
    files: [{ name: "m.onnx", bytes: 0, sha256: "0".repeat(64), parts: [] }],
  });
});
