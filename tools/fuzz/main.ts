/**
 * `npm run fuzz -- TARGET --minutes N --seed S`: damaged inputs, guided by what of the sources they reach. An input must end
 * well or with an error of a package's table, in time and without taking more than a gigabyte. What does not is written to
 * tools/fuzz/found/ and printed; the exit status is then 1. A few inputs to begin with are in tools/fuzz/corpus/.
 *
 * The same seed makes the same inputs on the same sources.
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { moduleBeside, own } from "@cupel/base";
import type { FuzzMessage, FuzzOrders } from "./fuzz-thread.ts";
import { createInput, readInput } from "./shared-input.ts";
import { targets } from "./targets.ts";

const mostGrowth = 1e9;
const found = join(import.meta.dirname, "found");

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: "boolean", short: "h", default: false },
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
  },
});
const [name = ""] = positionals;
const [minutes, seed] = [Number(given.minutes), Number(given.seed)];
if (given.help || !Object.hasOwn(targets, name) || !(minutes > 0) || !Number.isSafeInteger(seed)) {
  const print = given.help ? console.log : console.error;
  print("npm run fuzz -- TARGET [--minutes N, above 0] [--seed S, a whole number]\n");
  for (const [each, { summary }] of Object.entries(targets)) print(`  ${each.padEnd(10)} ${summary}`);
  print("\nFor example: npm run fuzz -- onnx --minutes 20 --seed 1");
  process.exit(given.help ? 0 : 64);
}
const { hangMs } = own(targets, name)!;
const hand = createInput();
let findings = 0;
let isDone = false;

const orders: FuzzOrders = { target: name, seed, milliseconds: minutes * 60_000, hand };
const thread = new Worker(moduleBeside(import.meta.url, "fuzz-thread"), { workerData: orders });
thread.on("message", (message: FuzzMessage) => {
  if (message.kind === "finding") return keep(message.what, message.bytes);
  isDone = true;
  for (const [outcome, count] of [...message.outcomes].sort()) console.log(`${outcome} ${count}`);
  const { count } = readInput(hand);
  console.log(
    `${name}, seed ${seed}: ${count} inputs in ${minutes} min, ${message.corpus} kept; ${findings} findings`,
  );
});
thread.on("error", (thrown) => end(`the thread died: ${thrown instanceof Error ? thrown.stack : thrown}`));
thread.on("exit", (status) => {
  clearInterval(watch);
  if (!isDone) end(`the thread ended with status ${status}`);
  process.exitCode = findings > 0 ? 1 : 0;
});

const lookMs = 100;
// Looks and not time: a process that was stopped meanwhile, or got no processor, has not hung.
let last = { count: 0, looks: 0, resident: process.memoryUsage.rss() };
const watch = setInterval(() => {
  const { count } = readInput(hand);
  const resident = process.memoryUsage.rss();
  if (count !== last.count) last = { count, looks: 0, resident };
  else if (count > 0 && ++last.looks * lookMs > hangMs) end(`no end after ${hangMs / 1000} s`);
  if (resident - last.resident > mostGrowth)
    end(`grew by ${Math.round((resident - last.resident) / 1e6)} MB`);
}, lookMs);

function keep(what: string, bytes: Uint8Array): void {
  findings++;
  mkdirSync(found, { recursive: true });
  const path = join(found, `${name}-${createHash("sha256").update(bytes).digest("hex").slice(0, 10)}`);
  writeFileSync(path, bytes);
  console.log(`FINDING ${path}, ${bytes.length} bytes: ${what}\n`);
}

/** The input in hand is to blame. */
function end(what: string): never {
  keep(what, readInput(hand).input);
  process.exit(1);
}
