/** Words in, help and refusals out: what a person meets before any work begins. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import test from "node:test";
import { promisify } from "node:util";
import { parseByteSize } from "../src/arguments/byte-size.ts";
import { byteSize, choice, flag, integer, type Option, points, text } from "../src/arguments/option.ts";
import { parseArguments } from "../src/arguments/parse.ts";
import { commands } from "../src/commands/commands.ts";
import { load } from "../src/commands/find-command.ts";
import { cupel, entry } from "./harness.ts";

const loaded = await Promise.all(commands.map(load));

const images = text({ name: "images", placeholder: "DIR", summary: "images" });
const out = text({ name: "out", short: "o", placeholder: "FILE", summary: "output" });
const strict = flag({ name: "strict", summary: "no mercy" });
const runs = integer({ name: "runs", placeholder: "N", min: 1, value: 50, summary: "rounds" });
const bits = choice({ name: "bits", choices: ["8", "4", "mixed"], summary: "width" });
const maxBytes = byteSize({ name: "max-bytes", summary: "size" });
const maxDrop = points({ name: "max-drop", summary: "loss" });
const options = [images, out, strict, runs, bits, maxBytes, maxDrop];
const operands = [{ name: "MODEL", summary: "the model" }];
const parse = (...words: string[]) => parseArguments(words, { operands, options });

test("options and operands come in any order, long or short, with = or without", () => {
  const given = parse("--images=a b", "m.onnx", "-o", "x.onnx", "--strict", "--runs", "7");
  assert.deepEqual(given.operands, ["m.onnx"]);
  assert.equal(given.get(images), "a b");
  assert.equal(given.get(out), "x.onnx");
  assert.equal(given.get(strict), true);
  assert.equal(given.get(runs), 7);
});

test("what is left out has its default", () => {
  const given = parse("m.onnx");
  assert.equal(given.get(runs), 50);
  assert.equal(given.get(strict), false);
  assert.equal(given.get(bits), undefined);
  assert.equal(given.has(bits), false);
});

test("an option of 0 is 0, and was given", () => {
  const workers = integer({ name: "workers", placeholder: "N", min: 0, value: 1, summary: "threads" });
  const given = parseArguments(["m.onnx", "--workers", "0", "--max-drop", "0"], {
    operands,
    options: [workers, maxDrop],
  });
  assert.equal(given.get(workers), 0);
  assert.equal(given.get(maxDrop), 0);
  assert.ok(given.has(workers) && given.has(maxDrop));
});

test("a name of an earlier version is read with a remark, beside the present one it is given twice", () => {
  const rate = integer({
    name: "learning-rate",
    formerly: "rate",
    placeholder: "N",
    min: 1,
    summary: "rate",
  });
  const table = { operands, options: [rate] };
  const given = parseArguments(["m.onnx", "--rate", "3"], table);
  assert.equal(given.get(rate), 3);
  assert.deepEqual(given.remarks, ["--rate is now called --learning-rate."]);
  assert.deepEqual(parseArguments(["m.onnx", "--learning-rate", "3"], table).remarks, []);
  assert.throws(() => parseArguments(["m.onnx", "--rate", "3", "--learning-rate", "3"], table), {
    code: "OPTION_INVALID",
    message: /--learning-rate is given twice/,
  });
  const former = loaded.flatMap(({ options }) => options.map(({ formerly }) => formerly));
  assert.deepEqual(
    former.filter((name) => name !== null),
    ["pictures", "rate"],
  );
});

test("points become fractions and sizes become bytes", () => {
  const given = parse("m.onnx", "--max-drop", "0.7", "--max-bytes", "2.75MB");
  assert.equal(given.get(maxDrop), 0.7 / 100);
  assert.equal(given.get(maxBytes), 2_750_000);
});

for (const [written, bytes] of [
  ["900", 900],
  ["900kB", 900_000],
  ["2.75 MB", 2_750_000],
  ["4MiB", 4_194_304],
  ["1gib", 2 ** 30],
  ["0", null],
  ["-1MB", null],
  ["MB", null],
  ["3 parsecs", null],
] as const) {
  test(`the size "${written}" is ${bytes}`, () => assert.equal(parseByteSize(written), bytes));
}

for (const [words, code, saying] of [
  [["m", "--imagse", "x"], "OPTION_UNKNOWN", /Did you mean --images\?/],
  [["m", "--zebra"], "OPTION_UNKNOWN", /See --help/],
  [["m", "--images"], "OPTION_INVALID", /needs a value/],
  [["m", "--images", "--strict"], "OPTION_INVALID", /"--strict" follows/],
  [["m", "--images="], "OPTION_INVALID", /must not be empty/],
  [["m", "--strict=yes"], "OPTION_INVALID", /takes no value/],
  [["m", "--runs", "0"], "OPTION_INVALID", /at least 1/],
  [["m", "--runs", "1e3"], "OPTION_INVALID", /whole number/],
  [["m", "--runs", "1", "--runs", "2"], "OPTION_INVALID", /given twice/],
  [["m", "--bits", "7"], "OPTION_INVALID", /one of 8, 4, mixed/],
  [["m", "--max-drop", ""], "OPTION_INVALID", /percentage points/],
  [["m", "--max-drop", "-1"], "OPTION_INVALID", /percentage points/],
  [["m", "--max-bytes", "big"], "OPTION_INVALID", /2\.75MB/],
  [[], "ARGUMENT_MISSING", /MODEL is missing/],
  [["m", "n"], "ARGUMENT_UNEXPECTED", /"n"/],
] as const) {
  test(`"${words.join(" ")}" is refused with ${code}`, () => {
    assert.throws(
      () => parse(...words),
      (thrown: Error & { code?: string; spec?: { exit: number } }) => {
        assert.equal(thrown.code, code);
        assert.equal(thrown.spec?.exit, 64);
        assert.match(thrown.message, saying);
        return true;
      },
    );
  });
}

test("an unknown command is refused with a suggestion, status 64 and nothing on stdout", async () => {
  const told = await cupel("comprss", "m.onnx");
  assert.deepEqual([told.status, told.out], [64, ""]);
  assert.match(told.err, /error COMMAND_UNKNOWN: .*Did you mean cupel compress\?/);
});

test("no command at all names the commands", async () => {
  const told = await cupel();
  assert.equal(told.status, 64);
  for (const { name } of commands) assert.ok(told.err.includes(name), name);
});

test("--help lists every command, and --version prints one", async () => {
  const help = await cupel("--help");
  assert.equal(help.status, 0);
  const unwrapped = help.out.replaceAll(/\s+/g, " ");
  for (const { name, summary } of commands) assert.ok(unwrapped.includes(`${name} ${summary}`), name);
  assert.match((await cupel("--version")).out, /^cupel \d+\.\d+\.\d+\n$/);
});

test("help loads no command, and a command neither the server nor the record where it is asked for neither", async () => {
  const tell = `import { registerHooks } from "node:module";
    registerHooks({ load: (url, context, next) => (process.stderr.write(url + "\\n"), next(url, context)) });`;
  const begin = ["--import", `data:text/javascript,${encodeURIComponent(tell)}`, entry];
  const loadedBy = async (...words: string[]) =>
    (await promisify(execFile)(process.execPath, [...begin, ...words])).stderr;
  assert.doesNotMatch(await loadedBy("--help"), /commands\/(eval|serve)\.ts|node_modules/);
  const told = await loadedBy("train", "--help");
  assert.match(told, /commands\/train\.ts/);
  assert.doesNotMatch(told, /(service\/serve|trust\/audit)\/src/);
});

test("help and version are words as well as options", async () => {
  const overview = (await cupel("--help")).out;
  for (const words of [["help"], ["-h"], ["help", "help"], ["--quiet", "help"]])
    assert.deepEqual(await cupel(...words), { status: 0, out: overview, err: "" }, words.join(" "));
  assert.ok(overview.includes("  help ") && overview.includes("  version "));
  const version = (await cupel("--version")).out;
  for (const words of [["version"], ["-v"], ["version", "--json"]]) {
    assert.deepEqual(await cupel(...words), { status: 0, out: version, err: "" }, words.join(" "));
  }
  for (const { name } of commands)
    assert.equal(
      (await cupel("help", ...name.split(" "))).out,
      (await cupel(...name.split(" "), "--help")).out,
    );
  assert.match((await cupel("help", "compres")).err, /There is no command "compres".* cupel compress\?/);
  assert.match((await cupel("help", "eval", "x")).err, /error ARGUMENT_UNEXPECTED: .*"x"/);
});

test("a group of commands alone names them, and its help lists them", async () => {
  const told = await cupel("audit", "--json");
  assert.equal(told.status, 64);
  assert.match(told.err, /error ARGUMENT_MISSING: cupel audit needs a command: audit validate/);
  const help = await cupel("audit", "--help");
  assert.match(help.out, /Usage: cupel audit COMMAND.*Commands\n {2}audit validate {2}Check events/s);
  assert.deepEqual(await cupel("help", "audit"), help);
  assert.match((await cupel("help", "audit", "validate", "x")).err, /error ARGUMENT_UNEXPECTED: .*"x"/);
});

for (const [words, meant] of [
  [["audit", "valdate"], "cupel audit validate"],
  [["audti"], "cupel audit"],
  [["evl"], "cupel eval"],
  [["compres"], "cupel compress"],
  [["EVAL"], "cupel eval"],
  [["hlep"], "cupel help"],
  [["eval", "m.onnx", "--imges", "x"], "--images"],
  [["eval", "m.onnx", "--imges=x"], "--images"],
  [["eval", "m.onnx", "-images", "x"], "--images"],
  [["compress", "m.onnx", "--ou", "x"], "--out"],
  [["compress", "m.onnx", "--bts", "8"], "--bits"],
  [["train", "resnt18", "--data", "nowhere", "-o", "never.onnx"], "resnet18"],
] as const) {
  test(`"cupel ${words.join(" ")}" is taken for a slip of "${meant}"`, async () => {
    const told = await cupel(...words);
    assert.ok(told.status === 64 || told.status === 65, String(told.status));
    assert.ok(told.err.includes(`Did you mean ${meant}?`), told.err);
  });
}

for (const words of [["ls"], ["run"], ["eval", "m.onnx", "--xy"], ["eval", "m.onnx", "-z"]]) {
  test(`"cupel ${words.join(" ")}" is taken for no other word`, async () => {
    const told = await cupel(...words);
    assert.equal(told.status, 64);
    assert.doesNotMatch(told.err, /Did you mean/);
  });
}

for (const command of loaded) {
  test(`the help of ${command.name} shows every argument, option, default and example in 100 columns`, async () => {
    const { out: help, status } = await cupel(...command.name.split(" "), "--help", "--nonsense");
    assert.equal(status, 0);
    const unwrapped = help.replaceAll(/\s+/g, " ");
    for (const { name, summary } of command.operands)
      assert.ok(unwrapped.includes(`${name} ${summary}`), name);
    for (const option of command.options) assertDescribed(unwrapped, option);
    for (const { line } of command.examples) assert.ok(help.includes(line), line);
    for (const line of help.split("\n")) assert.ok(line.length <= 100 || line.includes("cupel "), line);
  });

  test(`the examples of ${command.name} are command lines it takes`, () => {
    for (const { line } of command.examples) {
      const start = `cupel ${command.name} `;
      assert.ok(`${line} `.startsWith(start), line);
      const words = line.split(" | ")[0]!.slice(start.length).split(" ").filter(Boolean);
      const globals = [
        flag({ name: "json", summary: "" }),
        integer({ name: "threads", placeholder: "N", min: 1, value: 1, summary: "" }),
      ];
      parseArguments(words, { operands: command.operands, options: [...command.options, ...globals] });
    }
  });

  test(`the options of ${command.name} have one name each`, () => {
    const names = command.options.flatMap(({ name, short }) => (short === null ? [name] : [name, short]));
    assert.equal(new Set(names).size, names.length);
  });
}

function assertDescribed(
  help: string,
  { name, short, placeholder, summary, fallback }: Option<unknown>,
): void {
  const written = `${short === null ? "" : `-${short}, `}--${name}${placeholder === null ? "" : ` ${placeholder}`}`;
  for (const piece of [written, summary, fallback ?? ""])
    assert.ok(help.includes(piece), `${name}: ${piece}`);
}
