import assert from "node:assert/strict";
import { test } from "node:test";
import * as core from "../../src/core/core.ts";
import { FIRST_PAGE, LANES, SCRATCH, SCRATCH_KEY, SCRATCH_VALUE } from "../../src/core/layout.ts";
import { useMemory } from "../../src/core/machine.ts";
import { geometryOf, writeHeader } from "../../src/geometry.ts";
import { loadCore } from "./generator-core.ts";
import { createModelMachine, runAlone } from "./model-machine.ts";
import { replay } from "./schedule.ts";

const geometry = geometryOf({ maxBytes: 2 ** 20, maxThreads: 2, evicts: true, keeps: true, groupBits: 0 });
const byteLength = geometry.firstPage + geometry.maxPages * 65536;

test("the generators leave the same memory behind as the functions they are made of", () => {
  const machine = createModelMachine(byteLength);
  writeHeader(machine.buffer, geometry);
  const buffer = machine.buffer.slice(0);
  const words = new Int32Array(buffer);
  const model = loadCore(machine);
  const lane = words[LANES >>> 2]!;
  const scratch = words[(lane + SCRATCH) >>> 2]!;
  assert.equal(words[FIRST_PAGE >>> 2], geometry.firstPage);
  const functions = new Map<string, (...parameters: number[]) => unknown>(Object.entries(core) as never);
  /** The same call of both. */
  const call = (name: keyof typeof core, ...parameters: number[]) => {
    useMemory(buffer);
    const direct = functions.get(name)!(...parameters);
    assert.equal(runAlone(machine, model[name]!(...parameters)), direct, name);
    return direct;
  };
  const put = (address: number, value: number) => {
    words[address >>> 2] = value;
    machine.plain.store32(address, value);
  };
  call("create", lane);
  assert.equal(call("attach", 0), lane);
  for (let i = 0; i < 300; i++) {
    put(scratch + SCRATCH_KEY, Math.imul(i % 90, 0x9e3779b1));
    put(scratch + SCRATCH_VALUE, i);
    put(scratch + SCRATCH_VALUE + 4, 0x3ff00000);
    const keyMeta = 4 << 4;
    if (i % 7 === 3) call("remove", lane, keyMeta, -1, 0, 0, 0);
    else if (i % 7 === 5) call("add", lane, keyMeta, 3, 0, 1e9);
    else call("write", lane, keyMeta, (8 << 4) | 1, i % 5 === 0 ? 2e9 : 0, -1, 0, 0, 1e9);
    put(scratch + SCRATCH_KEY, Math.imul((i * 7) % 90, 0x9e3779b1));
    call("read", lane, keyMeta, 1e9);
  }
  call("countEntries");
  assert.deepEqual(machine.words, words);
});

test("constants have the values they are given, and steps the places they come from", () => {
  const machine = createModelMachine(byteLength);
  writeHeader(machine.buffer, geometry);
  const model = loadCore(machine, { SPINS: 0 });
  machine.snapshot();
  const thread = () => model.tryLock!(192, 1);
  const { steps } = replay({ machine, threads: { thread } }, ["thread"]);
  assert.match(steps[0]!, /^thread: tryLock \(lock\.ts:\d+\) compareExchange\(0xc0, 0, 1\) -> 0$/);
  assert.throws(() => loadCore(machine, { NO_SUCH: 1 }), /no constant NO_SUCH/);
});
