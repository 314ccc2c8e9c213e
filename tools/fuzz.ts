/**
 * `npm run fuzz -- [seconds] [seed]`: damages the models of model/onnx's fixtures, a few bytes at a time, and takes
 * each through everything that reads a graph. A damaged file is refused with one of the package's codes, or is a model
 * that can be checked, inferred, folded and written; anything else is printed with the seed that repeats it.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CupelError, createRandom, type Random } from "@cupel/base";
import {
  checkModel,
  encodeModelBytes,
  foldConstants,
  graphSummary,
  inferShapes,
  type Model,
  readModel,
} from "@cupel/onnx";

const [seconds, firstSeed] = [Number(process.argv[2] ?? 60), Number(process.argv[3] ?? 1)];
if (!(seconds > 0) || !Number.isSafeInteger(firstSeed)) {
  console.error("npm run fuzz -- [seconds above 0] [seed, an integer]");
  process.exit(64);
}
const root = fileURLToPath(new URL("..", import.meta.url));
const files = globSync("model/onnx/test/fixtures/*.onnx", { cwd: root })
  .sort()
  .map((path) => ({ path, bytes: readFileSync(join(root, path)) }));
if (files.length === 0) throw new Error("No models under model/onnx/test/fixtures.");

/** One to four edits: a bit flipped, a byte replaced, a run removed or repeated. */
function damaged(whole: Uint8Array, random: Random): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(whole);
  for (let edits = 1 + random.integer(4); edits > 0; edits--) {
    const at = random.integer(bytes.length);
    const end = Math.min(bytes.length, at + 1 + random.integer(16));
    switch (random.integer(4)) {
      case 0:
        bytes[at]! ^= 1 << random.integer(8);
        break;
      case 1:
        bytes[at] = random.integer(256);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    }
  }
  return bytes;
}

const uses: Readonly<Record<string, (model: Model) => unknown>> = {
  check: checkModel,
  infer: (model) => inferShapes(model),
  fold: (model) => foldConstants.run(model),
  summarise: graphSummary,
  write: encodeModelBytes,
};
const outcomes = new Map<string, number>();
let failures = 0;
let seed = firstSeed;
for (const started = performance.now(); performance.now() - started < seconds * 1000; seed++) {
  const random = createRandom(seed);
  const { path, bytes } = files[random.integer(files.length)]!;
  const broken = damaged(bytes, random);
  for (const [name, use] of Object.entries({ read: (model: Model) => model, ...uses })) {
    let outcome = "accepted";
    try {
      // Each on a model of its own: some edit it.
      use(readModel(broken));
    } catch (thrown) {
      if (thrown instanceof CupelError) outcome = thrown.code;
      else {
        failures++;
        outcome = "failed";
        console.log(
          `FAIL seed ${seed}, ${name} of ${path}: ${thrown instanceof Error ? thrown.stack : thrown}\n`,
        );
      }
    }
    const key = `${name}: ${outcome}`;
    outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
    if (name === "read" && outcome !== "accepted") break;
  }
}
for (const [outcome, count] of [...outcomes].sort()) console.log(`${outcome} ${count}`);
console.log(`${seed - firstSeed} files, seeds ${firstSeed} to ${seed - 1}: ${failures} failures`);
process.exitCode = failures > 0 ? 1 : 0;
