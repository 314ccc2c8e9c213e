/** What a stamper adds to an event, whatever the clock does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AuditEvent, checkEvent, createEventStamper } from "@cupel/audit";
import fc from "fast-check";
import { settableClock, workEvent } from "./work-events.ts";

const step = fc.record({
  passed: fc.double({ min: 0, max: 5, noNaN: true }),
  set: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -10_000_000, max: 10_000_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -3, max: 3 }) },
  ),
});

/** Of milliseconds and the three digits after them. */
const microsecondsOf = ({ time }: AuditEvent): number =>
  1000 * Date.parse(`${time.slice(0, 23)}Z`) + Number(time.slice(23, 26));

test("time, id and seq of a writer have one order, however the clock is set", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 60 }), (steps) => {
      const { clock, times, pass } = settableClock();
      const stamper = createEventStamper({ writer: "w", clock });
      const events = steps.map(({ passed, set }) => {
        pass(passed);
        times.wall += set;
        return stamper.stamp(workEvent());
      });
      for (const [i, event] of events.entries()) {
        assert.equal(event.seq, i);
        const before = events[i - 1];
        if (before === undefined) continue;
        assert.ok(before.time < event.time, `${before.time} ${event.time}`);
        assert.ok(before.id < event.id, `${before.id} ${event.id}`);
      }
    }),
  );
});

test("the time is the wall clock's to the millisecond, as long as that goes forward", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      const { clock, times, pass } = settableClock();
      const stamper = createEventStamper({ writer: "w", clock });
      for (const { passed, set } of steps) {
        pass(passed + 0.002);
        times.wall += Math.abs(set);
        const late = microsecondsOf(stamper.stamp(workEvent())) - 1000 * clock.now();
        assert.ok(late >= 0 && late < 1000, `${late} us after the wall clock`);
      }
    }),
  );
});

test("between two milliseconds of the wall clock the monotonic clock tells", () => {
  const { clock, pass } = settableClock();
  const stamper = createEventStamper({ writer: "w", clock });
  const first = stamper.stamp(workEvent());
  pass(0.25);
  const second = stamper.stamp(workEvent());
  pass(0.5);
  const third = stamper.stamp(workEvent());
  assert.deepEqual(
    [first, second, third].map(({ time }) => time),
    ["2026-11-27T00:00:00.000000Z", "2026-11-27T00:00:00.000250Z", "2026-11-27T00:00:00.000750Z"],
  );
});

test("after a clock was set back, times go on by a microsecond until it has caught up", () => {
  const { clock, times, pass } = settableClock();
  const stamper = createEventStamper({ writer: "w", clock });
  stamper.stamp(workEvent());
  times.wall -= 5;
  assert.equal(stamper.stamp(workEvent()).time, "2026-11-27T00:00:00.000001Z");
  pass(4);
  assert.equal(stamper.stamp(workEvent()).time, "2026-11-27T00:00:00.000002Z");
  pass(2);
  assert.match(stamper.stamp(workEvent()).time, /^2026-11-27T00:00:00\.001/);
});

test("a clock that was set by more than a second is told of, one that is slewed is not", () => {
  const { clock, times, pass } = settableClock();
  const told: number[] = [];
  const stamper = createEventStamper({
    writer: "w",
    clock,
    onClockSet: (byMs) => told.push(Math.round(byMs / 1000)),
  });
  for (const set of [0, 400, -700, 3_600_000, -7_200_000, 0]) {
    pass(10);
    times.wall += set;
    stamper.stamp(workEvent());
  }
  assert.deepEqual(told, [3600, -7200]);
});

test("a writer that goes on begins after what it had given", () => {
  const { clock } = settableClock();
  const notBefore = 1000 * clock.now() + 60_000_000;
  const stamper = createEventStamper({ writer: "w", clock, firstSeq: 17, notBefore });
  const { seq, time } = stamper.stamp(workEvent());
  assert.deepEqual({ seq, time }, { seq: 17, time: "2026-11-27T00:01:00.000000Z" });
});

test("the system's clock is read finer than a millisecond", () => {
  const stamper = createEventStamper({ writer: "w" });
  const times = Array.from({ length: 5000 }, () => stamper.stamp(workEvent()).time);
  assert.ok(new Set(times.map((time) => time.slice(23))).size > 10);
});

test("what hides in a text is replaced by a sign that shows it; the facts are otherwise as they were", () => {
  const stamper = createEventStamper({ writer: "w" });
  const context = {
    reason: "line\nnext\u001b[31m",
    name: "a\u202eb\u2028",
    half: "\ud83dx\udc00",
    whole: "检测 😀 \u00e9",
    del: "\u007f\u0085",
  };
  const { ctx } = stamper.stamp(workEvent({ context }));
  assert.deepEqual(ctx, {
    reason: "line\u240anext\u241b[31m",
    name: "a\ufffdb\ufffd",
    half: "\ufffdx\ufffd",
    whole: "检测 😀 \u00e9",
    del: "\u2421\ufffd",
  });
});

test("facts of any length and content are cut to what the record takes, and named", () => {
  const stamper = createEventStamper({ writer: "w" });
  const stamped = (object: Record<string, string>, context: Record<string, string> = {}) => {
    const event = stamper.stamp(workEvent({ object, context }));
    assert.equal(checkEvent(event), null);
    return event;
  };
  const long = stamped({ model: "x".repeat(4097), version: "3" });
  assert.deepEqual(long.obj, { model: `${"x".repeat(4095)}\u2026`, version: "3" });
  assert.deepEqual(long.ctx, { shortened: "obj.model" });
  for (const fits of ["x".repeat(4096), "\u{1f600}".repeat(4096)]) {
    const { obj, ctx } = stamped({ model: fits });
    assert.deepEqual({ obj, ctx }, { obj: { model: fits }, ctx: {} });
  }
  assert.equal(stamped({ model: "\u{1f600}".repeat(4097) }).obj.model, `${"\u{1f600}".repeat(4095)}\u2026`);
  // No half of a pair, and no half of what masking would find.
  assert.ok(stamped({ model: `x${"\u{1f600}\0\ud83d".repeat(90_000)}` }).obj.model?.isWellFormed());
  const card = stamped({ model: `${"x".repeat(4084)} 4111 1111 1111 1111 ${"y".repeat(99)}` }).obj.model;
  assert.equal(card, `${"x".repeat(4084)} \u2026`);
  // Each is as long as a fact may be, and all of them are no line.
  const names = Array.from({ length: 32 }, (_, at) => `n${at}`);
  const many = stamped(Object.fromEntries(names.map((name) => [name, '"检'.repeat(2048)])), { code: "OK" });
  assert.equal(many.ctx.shortened, names.map((name) => `obj.${name}`).join(" "));
  assert.ok(Number(many.obj.n0?.length) >= 256);
  const full = Object.fromEntries(names.map((name) => [name, "x".repeat(5000)]));
  assert.equal(Object.keys(stamped({}, full).ctx).length, 32);
  const malformed = { note: null, long: "x".repeat(9999) } as unknown as Record<string, string>;
  assert.equal(checkEvent(stamper.stamp(workEvent({ object: malformed })))?.kind, "schema");
});

test("a subject that says no kind gets the usual one of the action", () => {
  const stamper = createEventStamper({ writer: "w" });
  const kindOf = (action: string) => stamper.stamp(workEvent({ action, subject: { id: "x" } })).sub.kind;
  assert.deepEqual(["INFER.REQUEST", "MODEL.LOAD", "COMPRESS.START", "NO.SUCH"].map(kindOf), [
    "client",
    "system",
    "operator",
    undefined,
  ]);
});

test("a writer's name that the schema would refuse is refused at once", () => {
  for (const writer of ["", "a b", "-x", "é", "x".repeat(129)]) {
    assert.throws(() => createEventStamper({ writer }), { code: "EVENT_INVALID" });
  }
});
