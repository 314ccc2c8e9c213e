/**
 * Measures the wire formats for the benchmark of that name, in a process of its own: its heap is nobody else's.
 *
 *   node service/serve/tools/wire-formats.ts ROUNDS     one line of JSON
 *
 * In each round every way has a turn. The clock counts: of processor time, a kernel may count ticks of 4 ms.
 */
import { strict as assert } from "node:assert";
import { getHeapStatistics } from "node:v8";
import { collectGarbage } from "@cupel/base";
import type { NumberTensor } from "../src/core/tensor.ts";
import { tensorBytes } from "../src/core/tensor-bytes.ts";
import { type Way, waysOf } from "./wire-forms.ts";
import { wireTensors } from "./wire-tensors.ts";

/** A turn lasts at least as long. */
const turnMs = 40;
/** Requests whose allocations are counted; the median is of those in which nothing was collected. */
const counted = 21;

const rounds = Number(process.argv[2] ?? 5);
const cases = [];
for (const [title, tensor] of wireTensors()) {
  const ways = waysOf(tensor);
  for (const way of ways) await check(way, tensor);
  const times = new Map<Way, number[]>(ways.map((way) => [way, []]));
  // The first round warms caches and the compiler, and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (let place = 0; place < ways.length; place++) {
      const way = ways[(place + round) % ways.length]!;
      const microseconds = await turn(way);
      if (round > 0) times.get(way)!.push(microseconds);
    }
  }
  const measured = [];
  for (const way of ways) {
    const { form, direction, wireBytes } = way;
    measured.push({
      form,
      direction,
      wireBytes,
      microseconds: times.get(way)!,
      ...(await allocated(way, tensor.data.length)),
    });
  }
  cases.push({ title, tensorBytes: tensor.data.byteLength, elements: tensor.data.length, ways: measured });
}
console.log(JSON.stringify(cases));

/** Of one request. */
async function turn({ run }: Way): Promise<number> {
  const started = performance.now();
  let requests = 0;
  let took = 0;
  while (took < turnMs) {
    await run();
    requests++;
    took = performance.now() - started;
  }
  return (took * 1000) / requests;
}

/**
 * Bytes that one request allocates, garbage included: on the heap, which counts in blocks of 256 KB and is asked about
 * many, and in array buffers outside of it, which count what there is and are asked about each.
 */
async function allocated(
  { run }: Way,
  elements: number,
): Promise<{ heapBytes: number; bufferBytes: number }> {
  const buffers: number[] = [];
  for (let i = 0; i < counted; i++) {
    collectGarbage();
    const outside = process.memoryUsage().arrayBuffers;
    await run();
    buffers.push(process.memoryUsage().arrayBuffers - outside);
  }
  const requests = elements < 1000 ? 100 * counted : counted;
  const before = getHeapStatistics().total_allocated_bytes;
  for (let i = 0; i < requests; i++) await run();
  const heapBytes = (getHeapStatistics().total_allocated_bytes - before) / requests;
  return { heapBytes, bufferBytes: median(buffers) };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

/** What was sent is read to the bit, and written so that who did not write it reads it. */
async function check({ form, direction, run }: Way, { data, ...tensor }: NumberTensor): Promise<void> {
  if (form.startsWith("peer: ")) return;
  const result = await run();
  if (direction === "read") {
    assert.deepEqual(result, data, form);
    return;
  }
  assert.ok(result instanceof Uint8Array);
  const body = Buffer.from(result);
  if (form !== "JSON") assert.ok(body.includes(tensorBytes({ ...tensor, data })), form);
  else if (!(data instanceof Float32Array)) assert.ok(body.includes(`[${data.join(",")}]`), form);
  else assert.deepEqual(Float32Array.from(JSON.parse(body.toString()).outputs[0].data), data, form);
}
