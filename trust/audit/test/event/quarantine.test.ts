/** What is refused is kept, told of and counted; personal data in it is hidden. */
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { checkEvent, openQuarantine, type RefusalAlert } from "@cupel/audit";
import { openTemporaryFolder } from "@cupel/base";
import { auditEvent, settableClock } from "./work-events.ts";

const phone = "13800138000";

/** Hides the phone wherever it is, as a masker does. */
const scrub = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll(phone, "138****8000"));

const refusalOf = (event: unknown) => checkEvent(event) ?? assert.fail("it was to be refused");

const linesOf = async (path: string): Promise<unknown[]> =>
  (await readFile(path, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("a refused event is kept in the file of its day, without its personal data", async () => {
  await using folder = await openTemporaryFolder("quarantine");
  const { clock, times } = settableClock(Date.UTC(2026, 10, 27, 23, 59, 59, 250));
  const alerts: RefusalAlert[] = [];
  await using quarantine = await openQuarantine(folder.path, {
    scrub,
    clock,
    onRefused: (alert) => alerts.push(alert),
  });
  const event = { ...auditEvent(), obj: { [`u${phone}`]: 1, note: `call ${phone}` } };
  await quarantine.keepEvent(event, refusalOf(event));
  times.wall += 1000;
  await quarantine.keepEvent({ ...event, obj: [] }, refusalOf({ ...event, obj: [] }));
  assert.deepEqual(await readdir(folder.path), ["2026-11-27.jsonl", "2026-11-28.jsonl"]);
  const text = await readFile(join(folder.path, "2026-11-27.jsonl"), "utf8");
  assert.ok(!text.includes(phone));
  assert.deepEqual(JSON.parse(text), {
    time: "2026-11-27T23:59:59.250Z",
    refusal: {
      kind: "schema",
      pointer: "/obj/u138****8000",
      keyword: "type",
      message:
        "/obj/u138****8000 must be string. Facts are flat: write numbers as text, and what is nested as facts of their own.",
    },
    event: { ...event, obj: { "u138****8000": 1, note: "call 138****8000" } },
  });
  assert.deepEqual(
    alerts.map(({ refusal: { pointer, keyword }, isKept }) => [pointer, keyword, isKept]),
    [
      ["/obj/u138****8000", "type", true],
      ["/obj", "type", true],
    ],
  );
  assert.equal(quarantine.counts.schema, 2);
  assert.ok(!JSON.stringify(quarantine.counts.byPointer()).includes(phone));
});

test("of what is no JSON only the length and the place are kept", async () => {
  await using folder = await openTemporaryFolder("quarantine");
  await using quarantine = await openQuarantine(folder.path, { scrub });
  const refusal = { kind: "parse", pointer: "", keyword: "json", message: "It is no JSON." } as const;
  await quarantine.keepUnparsed({ length: 17, place: "a.jsonl, line 3" }, refusal);
  const [name = ""] = await readdir(folder.path);
  const [kept] = await linesOf(join(folder.path, name));
  assert.deepEqual(Object.assign({}, kept, { time: "" }), {
    time: "",
    refusal,
    unparsed: { length: 17, place: "a.jsonl, line 3" },
  });
  assert.equal(quarantine.counts.parse, 1);
});

test("what finds no room is counted and told of, over restarts too", async () => {
  await using folder = await openTemporaryFolder("quarantine");
  const alerts: boolean[] = [];
  const options = {
    scrub,
    mostBytes: 2000,
    onRefused: ({ isKept }: RefusalAlert) => void alerts.push(isKept),
  };
  const event = auditEvent({ action: "NO.SUCH" });
  let kept = 0;
  for (let start = 0; start < 2; start++) {
    await using quarantine = await openQuarantine(folder.path, options);
    await Promise.all(Array.from({ length: 10 }, () => quarantine.keepEvent(event, refusalOf(event))));
    kept += 10 - quarantine.full;
    assert.equal(quarantine.counts.schema, 10);
    if (start === 1) assert.equal(quarantine.full, 10);
  }
  const [name = ""] = await readdir(folder.path);
  const bytes = await readFile(join(folder.path, name));
  assert.ok(bytes.length <= 2000 && kept > 0 && kept < 10, `${kept} in ${bytes.length} bytes`);
  assert.equal((await linesOf(join(folder.path, name))).length, kept);
  assert.equal(alerts.filter(Boolean).length, kept);
  assert.equal(alerts.length, 20);
});

test("a line that a crash cut short is ended before the next", async () => {
  await using folder = await openTemporaryFolder("quarantine");
  const { clock } = settableClock();
  const path = join(folder.path, "2026-11-27.jsonl");
  await writeFile(path, '{"time":"2026-');
  await using quarantine = await openQuarantine(folder.path, { scrub, clock });
  const event = auditEvent({ action: "NO.SUCH" });
  await quarantine.keepEvent(event, refusalOf(event));
  const [torn, whole] = (await readFile(path, "utf8")).split("\n");
  assert.equal(torn, '{"time":"2026-');
  assert.equal(JSON.parse(whole ?? "").refusal.pointer, "/action");
});

test("what cannot be written is an error, counted and told of, and the next try may succeed", async () => {
  await using folder = await openTemporaryFolder("quarantine");
  const { clock } = settableClock();
  const path = join(folder.path, "2026-11-27.jsonl");
  const alerts: boolean[] = [];
  await using quarantine = await openQuarantine(folder.path, {
    scrub,
    clock,
    onRefused: ({ isKept }) => void alerts.push(isKept),
  });
  await mkdir(path);
  const event = auditEvent({ action: "NO.SUCH" });
  await assert.rejects(quarantine.keepEvent(event, refusalOf(event)), { code: "WRITE_FAILED" });
  await rm(path, { recursive: true });
  await quarantine.keepEvent(event, refusalOf(event));
  assert.deepEqual(alerts, [false, true]);
  assert.equal(quarantine.failed, 1);
  assert.equal((await linesOf(path)).length, 1);
});

test("what JSON cannot say, or a masker fails on, is kept as its refusal alone", async () => {
  await using folder = await openTemporaryFolder("quarantine");
  const { clock } = settableClock();
  const cycle: Record<string, unknown> = { ...auditEvent() };
  cycle.obj = cycle;
  await using quarantine = await openQuarantine(folder.path, {
    clock,
    scrub: (value) => (typeof value === "bigint" ? assert.fail() : value),
  });
  for (const event of [cycle, 1n, undefined, { n: 1n }]) await quarantine.keepEvent(event, refusalOf(event));
  const kept = await linesOf(join(folder.path, "2026-11-27.jsonl"));
  assert.deepEqual(
    kept.map((line) => JSON.stringify(line).endsWith(',"event":null}')),
    [true, true, true, true],
  );
});
