/**
 * The programs of docs/use-the-model.md, as they stand there, say of an image what `cupel predict` says. The two for
 * Node.js and the one for Python run; those for C# and the browser do not, and the page says so.
 */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readModelFile, writeModelFile } from "@cupel/onnx";
import { writeMetadata } from "@cupel/predict";
import { exportImages, type ImageSource, parsePreprocessing, syntheticInspection } from "@cupel/vision";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(root, "docs/use-the-model.md"), "utf8");
const demoModel = join(root, "app/cli/models/inspection.onnx");
const run = promisify(execFile);

// Inside the repository, where its packages are found.
mkdirSync(join(root, "out"), { recursive: true });
const folder = mkdtempSync(join(root, "out/use-the-model-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The only block of a section. */
function program(section: string): string {
  const text = page.split(/^## /m).find((each) => each.startsWith(`${section}\n`)) ?? "";
  const [code, ...others] = [...text.matchAll(/^```\w+\n(.*?)^```$/gms)].map((match) => match[1]!);
  assert.ok(code !== undefined && others.length === 0, `one block under "${section}"`);
  return code;
}

const cupel = async (...args: string[]) =>
  JSON.parse((await run(process.execPath, [join(root, "app/cli/src/main.ts"), ...args, "--json"])).stdout);

/** Of every second class, cut to sizes whose margins round differently, so that another place for the crop would show. */
const sizes = [
  { width: 64, height: 64 },
  { width: 61, height: 63 },
  { width: 35, height: 50 },
  { width: 63, height: 33 },
];
const drawn = syntheticInspection({ count: 14, seed: 9 });
const images: ImageSource = {
  ...drawn,
  length: sizes.length,
  classes: null,
  labelled: false,
  id: (index) => `image-${index}`,
  label: () => null,
  async image(index) {
    const whole = await drawn.image(2 * index);
    assert.equal(whole.kind, "raw");
    const { width, height } = sizes[index]!;
    const from = { x: (whole.width - width) >> 1, y: (whole.height - height) >> 1 };
    const data = new Uint8Array(width * height);
    for (let i = 0; i < data.length; i++) {
      const at = (from.y + Math.floor(i / width)) * whole.width + from.x + (i % width);
      data[i] = whole.data[at * whole.channels]!;
    }
    return { kind: "raw", width, height, channels: 1, data };
  },
};
await exportImages(images, join(folder, "images"));

interface Case {
  readonly name: string;
  readonly place: string;
  /** What `cupel predict` says. */
  readonly expected: string;
}

/** A folder for each image, with the names that the page uses. */
async function layOut(model: string, name: string): Promise<readonly Case[]> {
  const found: { predictions: { image: string; class: string }[] } = await cupel(
    "predict",
    model,
    "--images",
    join(folder, "images"),
  );
  return found.predictions.map(({ image, class: expected }, index) => {
    const place = join(folder, `${name}-${index}`);
    mkdirSync(place);
    cpSync(join(folder, "images", image), join(place, "IMAGE.png"));
    cpSync(model, join(place, "MODEL.onnx"));
    return { name: `${name}, ${image}`, place, expected };
  });
}

async function compare(cases: readonly Case[], interpreter: string, file: string, code: string) {
  const told = [];
  for (const { name, place } of cases) {
    writeFileSync(join(place, file), code);
    told.push([name, (await run(interpreter, [file], { cwd: place })).stdout.trim()]);
  }
  assert.deepEqual(
    told,
    cases.map(({ name, expected }) => [name, expected]),
  );
}

const cases = await layOut(demoModel, "as it is");

test("the images are of several classes, so that one answer for all would show", () => {
  assert.equal(cases.length, sizes.length);
  assert.ok(new Set(cases.map(({ expected }) => expected)).size >= 3);
});

test("Node.js with Cupel", () => compare(cases, process.execPath, "use.ts", program("Node.js with Cupel")));

test("Node.js with ONNX Runtime", () =>
  compare(cases, process.execPath, "plain.ts", program("Node.js with ONNX Runtime")));

test("the constants of that program are those that inspect prints of the demo's model", async () => {
  const code = program("Node.js with ONNX Runtime");
  const { preprocessing, classes } = await cupel("inspect", demoModel);
  const { width, height, scale, mean, std, ...others } = preprocessing;
  for (const [key, value] of Object.entries({ width, height, scale, mean, std })) {
    assert.ok(code.includes(`${key}: ${JSON.stringify(value)}`), key);
  }
  const written = /const classes = (\[.*\]);/.exec(code)?.[1] ?? "null";
  assert.deepEqual(JSON.parse(written), classes);
  const { colour, resize, layout } = others;
  assert.deepEqual({ colour, resize, layout }, { colour: "grey", resize: { kind: "none" }, layout: "NCHW" });
});

const python = process.env.CUPEL_PYTHON ?? "python3";
const hasPackages = spawnSync(python, ["-c", "import onnxruntime, numpy, PIL"]).status === 0;
const skip = hasPackages ? false : "no Python with onnxruntime, numpy and PIL; name one in CUPEL_PYTHON";

test("Python", { skip }, () => compare(cases, python, "use.py", program("Python")));

for (const resize of ["short-side:40", "long-side:31", "stretch"]) {
  test(`Python, of a model whose metadata says resize=${resize}`, { skip }, async () => {
    const model = await readModelFile(demoModel);
    const { preprocessing, classes } = await cupel("inspect", demoModel);
    writeMetadata(model, { preprocessing: parsePreprocessing(`resize=${resize}`, preprocessing), classes });
    const name = resize.replace(":", "-");
    const file = join(folder, `${name}.onnx`);
    await writeModelFile(model, file);
    await compare(await layOut(file, name), python, "use.py", program("Python"));
  });
}
