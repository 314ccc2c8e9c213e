/** Names of others on a terminal: nothing in them is obeyed by it, wherever they are printed; JSON keeps them exactly. */
import assert from "node:assert/strict";
import test from "node:test";
import { baseErrors, systemClock } from "@cupel/base";
import { encodeModelBytes, Model, tensorType, Value } from "@cupel/onnx";
import { printError } from "../src/terminal/print-error.ts";
import { printStream } from "../src/terminal/print-stream.ts";
import { createProgressDisplay } from "../src/terminal/progress-display.ts";
import { factsText, tableText } from "../src/terminal/table.ts";
import { withVisibleResults } from "../src/terminal/terminal.ts";
import { visible, visibleLine } from "../src/terminal/visible-text.ts";
import { catchingTerminal, cupel, scratch } from "./harness.ts";

/** Colour, cursor, title of the window, C1's short form, right-to-left override, isolate, mark, tag, separator, half. */
const hostile =
  "\u001b[31ma\u001b[2Jb\u001b]0;t\u0007c\r\u0008d\u009b1Ae\u202ef\u2066g\u200fh\u{e0041}i\u2028j\u007fk\ud800";
const written =
  "\\u001b[31ma\\u001b[2Jb\\u001b]0;t\\u0007c\\u000d\\u0008d\\u009b1Ae\\u202ef\\u2066g\\u200fh\\udb40\\udc41i\\u2028j\\u007fk\\ud800";
/** What a terminal may obey, or show otherwise than it is; line ends and tabs are the command's own. */
const isObeyed = (text: string): boolean =>
  /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u.test(text);

test("what a terminal obeys is written as JSON writes it, and is written once", () => {
  assert.equal(visible(hostile), written);
  assert.equal(visible(written), written);
  assert.equal(JSON.parse(`"${visible(hostile)}"`), hostile);
  assert.equal(visible("a\n\tb"), "a\n\tb");
  assert.equal(visibleLine("a\n\tb"), "a\\u000a\\u0009b");
});

test("letters of all scripts stay, with the joiners that some are written with", () => {
  for (const name of [
    "größe",
    "部品",
    "می\u200cخواهم",
    "क्\u200dष",
    "👩\u200d🔬",
    "é",
    "e\u0301",
    "C:\\u001b",
  ]) {
    assert.equal(visibleLine(name), name);
  }
});

test("a column is as wide as what is printed in it, and a name makes no line", () => {
  assert.equal(
    tableText([
      ["name", "size"],
      ["a\nb", "1"],
    ]),
    "name      size\na\\u000ab     1",
  );
  assert.equal(factsText([["\u001b", "x\ny"]]), "\\u001b  x\n        y");
});

test("errors, causes, notes, bars and results of any length: all are printed so", async () => {
  const { terminal: screen, told } = catchingTerminal({ isInteractive: true });
  const terminal = withVisibleResults(screen);
  const cause = new Error(hostile, { cause: hostile });
  printError(terminal, baseErrors.error("OPTION_INVALID", `${hostile}\nerror`, { cause }), { verbose: true });
  terminal.out(hostile);
  const end = () => ({ json: {}, text: hostile });
  async function* items() {
    yield { json: { name: hostile }, text: hostile };
  }
  const stream = { begin: { json: { name: hostile }, text: hostile }, list: "names", items: items(), end };
  const signal = new AbortController().signal;
  await printStream(stream, {}, [], { isJson: false, terminal, signal });
  assert.equal(isObeyed(told().err + told().out), false);
  assert.match(told().err, /^error OPTION_INVALID: .*\n {2}error\n/);

  const shown = catchingTerminal({ isInteractive: true });
  using display = createProgressDisplay(shown.terminal, systemClock);
  using task = display.start(hostile, 2, hostile);
  task.note(hostile);
  task.advance();
  const ownSequence = "\u001b[1A\r\u001b[J";
  assert.equal(isObeyed(shown.told().err.replaceAll(ownSequence, "")), false);
});

test("a streamed result under --json is the same JSON", async () => {
  const { terminal, told } = catchingTerminal();
  async function* items() {
    yield { json: { name: hostile }, text: "" };
  }
  const stream = {
    begin: { json: { name: hostile }, text: "" },
    list: "names",
    items: items(),
    end: () => ({ json: {}, text: "" }),
  };
  const printing = {
    isJson: true,
    terminal: withVisibleResults(terminal),
    signal: new AbortController().signal,
  };
  await printStream(stream, {}, [hostile], printing);
  assert.equal(isObeyed(told().out), false);
  const expected = { name: hostile, names: [{ name: hostile }], remarks: [hostile] };
  assert.deepEqual(JSON.parse(told().out), JSON.parse(JSON.stringify(expected)));
});

test("a model whose names are escape sequences is inspected without one, and told exactly to a program", async () => {
  const name = "\u001b[31mred\u202e\u001b]0;title\u0007";
  const model = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  const x = new Value(name, tensorType("float32", ["N", 3]));
  model.graph.inputs.push(x);
  const relu = model.graph.append({
    opType: "Relu",
    name: `${name}\n`,
    inputs: [x],
    outputs: [`${name}y`],
    type: tensorType("float32", ["N", 3]),
  });
  model.graph.outputs.push(relu.output);
  await using folder = await scratch();
  const file = await folder.write("escape.onnx", encodeModelBytes(model));
  const text = await cupel("inspect", file, "--layers");
  assert.equal(isObeyed(text.out + text.err), false);
  assert.ok(text.out.includes("\\u001b[31mred"));
  const { out } = await cupel("inspect", file, "--layers", "--json");
  assert.equal(isObeyed(out), false);
  assert.ok(JSON.stringify(JSON.parse(out)).includes(JSON.stringify(name).slice(1, -1)));
});
