/** What the record takes and what it refuses: where, by which rule, and without repeating what was given. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { actionCodes, checkEvent, createEventStamper, lineOf, longestLine } from "@cupel/audit";
import type { EventFacts } from "@cupel/base";
import fc from "fast-check";
import { actions } from "../../src/event/actions.ts";
import { auditEvent, workEvent } from "./work-events.ts";

const secret = "13800138000";

const refused: Readonly<Record<string, readonly [changes: unknown, pointer: string, keyword: string]>> = {
  "an unknown action": [{ action: `LOGIN.${secret}` }, "/action", "enum"],
  "an unknown severity": [{ severity: "DEBUG" }, "/severity", "enum"],
  "a subject without a kind": [{ sub: { id: "x" } }, "/sub/kind", "required"],
  "an unknown kind": [{ sub: { id: "x", kind: secret } }, "/sub/kind", "enum"],
  "a kind that cannot do the action": [{ sub: { id: "x", kind: "system" } }, "/sub/kind", "enum"],
  "a subject without an id": [{ sub: { kind: "client" } }, "/sub/id", "required"],
  "an empty id": [{ sub: { kind: "client", id: "" } }, "/sub/id", "minLength"],
  "a number": [{ obj: { count: 17 } }, "/obj/count", "type"],
  null: [{ obj: { count: null } }, "/obj/count", "type"],
  "a nested value": [{ obj: { "a.b": { c: secret } } }, "/obj/a.b", "type"],
  "a list for facts": [{ obj: [secret] }, "/obj", "type"],
  "no facts": [{ ctx: undefined }, "/ctx", "required"],
  "an address that is none": [{ ctx: { ip: "203.0.113.256" } }, "/ctx/ip", "format"],
  "an address with a port": [{ ctx: { ip: "203.0.113.7:80" } }, "/ctx/ip", "format"],
  "a name for an address": [{ ctx: { ip: "localhost" } }, "/ctx/ip", "format"],
  "an escape sequence": [{ obj: { model: `\u001b]0;${secret}\u0007` } }, "/obj/model", "pattern"],
  "half a surrogate pair": [{ obj: { model: "\ud83d" } }, "/obj/model", "pattern"],
  "a turned direction": [{ obj: { model: "\u202e" } }, "/obj/model", "pattern"],
  "a long text": [{ obj: { model: "x".repeat(4097) } }, "/obj/model", "maxLength"],
  "a name with a control character": [{ obj: { [`${secret}\n`]: "x" } }, "/obj", "propertyNames"],
  "a name that begins with a digit": [{ obj: { [secret]: "x" } }, "/obj", "propertyNames"],
  "the name __proto__": [JSON.parse(`{"obj":{"__proto__":"${secret}"}}`), "/obj", "propertyNames"],
  "many facts": [
    { obj: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`f${i}`, ""])) },
    "/obj",
    "maxProperties",
  ],
  "a member that no event has": [{ [secret]: 1 }, "", "additionalProperties"],
  "a UUID of version 4": [{ id: "1b4e28ba-2fa1-4d12-a3f4-0242ac130003" }, "/id", "pattern"],
  "a time without a zone": [{ time: "2026-11-27T00:41:09.123456" }, "/time", "pattern"],
  "a day that there is not": [{ time: "2026-02-29T00:41:09Z" }, "/time", "format"],
  "a negative place": [{ seq: -1 }, "/seq", "minimum"],
  "a place that is no whole number": [{ seq: 0.5 }, "/seq", "type"],
  "a writer with a space": [{ writer: "a b" }, "/writer", "pattern"],
};

for (const [what, [changes, pointer, keyword]] of Object.entries(refused)) {
  test(`${what} is refused by name`, () => {
    const event: unknown = Object.assign(auditEvent(), changes);
    const refusal = checkEvent(event);
    assert.equal(refusal?.pointer, pointer);
    assert.equal(refusal.keyword, keyword);
    assert.equal(refusal.kind, "schema");
    assert.ok(!JSON.stringify(refusal).includes(secret), refusal.message);
    assert.match(refusal.message, /\. [A-Z].*\.$/, "says what to do");
  });
}

for (const value of [null, undefined, 1, "x", [], true]) {
  test(`${JSON.stringify(value) ?? "undefined"} is no event`, () => {
    assert.equal(checkEvent(value)?.keyword, "type");
  });
}

test("the pointer of a fact is as RFC 6901 writes it", () => {
  assert.equal(checkEvent(auditEvent({ obj: { "a.b-c_d": "\n" } }))?.pointer, "/obj/a.b-c_d");
});

test("every action is taken from each of its subjects, and from no other", () => {
  for (const [action, { subjects }] of Object.entries(actions)) {
    for (const kind of ["user", "service", "client", "anonymous", "operator", "system"] as const) {
      const isTaken = checkEvent(auditEvent({ action, sub: { id: "x", kind } })) === null;
      const kinds: readonly string[] = subjects;
      assert.equal(isTaken, kinds.includes(kind), `${action} by ${kind}`);
    }
  }
});

test("addresses of both versions are taken", () => {
  for (const ip of [
    "0.0.0.0",
    "255.255.255.255",
    "::",
    "::1",
    "2001:DB8::7",
    "::ffff:203.0.113.7",
    "fe80::1%eth0",
  ]) {
    assert.equal(checkEvent(auditEvent({ ctx: { ip } })), null, ip);
  }
});

test("a text of as many characters as are allowed is taken, however many bytes they have", () => {
  assert.equal(checkEvent(auditEvent({ obj: { note: "\u{1f600}".repeat(4096) } })), null);
  const stamper = createEventStamper({ writer: "w" });
  assert.equal(checkEvent(stamper.stamp(workEvent({ object: { note: "\u{1f600}".repeat(4096) } }))), null);
});

test("a line of 65,535 bytes is taken, and one more is refused with the fact that is longest", () => {
  const facts: Record<string, string> = {};
  for (let i = 0; i < 15; i++) facts[`f${i}`] = "x".repeat(4096);
  const sizeWith = (rest: string) => Buffer.byteLength(lineOf(auditEvent({ obj: { ...facts, rest } })));
  const room = longestLine - sizeWith("");
  assert.ok(room > 0 && room < 4096);
  assert.equal(checkEvent(auditEvent({ obj: { ...facts, rest: "x".repeat(room) } })), null);
  const refusal = checkEvent(auditEvent({ obj: { ...facts, rest: "x".repeat(room + 1) } }));
  assert.deepEqual([refusal?.pointer, refusal?.keyword], ["/obj/f0", "maxLineBytes"]);
  assert.match(refusal?.message ?? "", /65536 bytes/);
});

test("quotation marks count as the two bytes that they take", () => {
  const facts = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${i}`, '"'.repeat(4096)]));
  assert.equal(checkEvent(auditEvent({ obj: facts }))?.keyword, "maxLineBytes");
});

const name = fc.oneof(
  { weight: 20, arbitrary: fc.stringMatching(/^[a-z][A-Za-z0-9_.-]{0,8}$/) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom("id", "kind", "ip") },
);
const value = fc.oneof(
  { weight: 30, arbitrary: fc.string({ unit: "grapheme", maxLength: 12 }) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 5 }) },
  { weight: 1, arbitrary: fc.constantFrom("203.0.113.7", "x".repeat(4097), "\u{1f600}".repeat(4096)) },
);
const facts = fc.dictionary(name, value, { maxKeys: 6 });

test("an event that was just stamped is judged as the schema judges it", () => {
  const stamper = createEventStamper({ writer: "w" });
  const kind = fc.constantFrom("client", "client", "system", "operator", "robot", undefined);
  const action = fc.constantFrom(...actionCodes, "NO.SUCH");
  const severity = fc.constantFrom("INFO", "CRITICAL");
  let taken = 0;
  fc.assert(
    fc.property(
      action,
      severity,
      kind,
      facts,
      facts,
      facts,
      (action, severity, kind, sub, object, context) => {
        const subject: EventFacts = kind === undefined ? sub : { id: "x", ...sub, kind };
        const stamped = stamper.stamp({ action, severity, subject, object, context });
        const verdict = checkEvent(stamped);
        // A copy is not what was stamped: the whole schema judges it.
        assert.deepEqual(verdict, checkEvent({ ...stamped }));
        if (verdict === null) taken++;
      },
    ),
    { numRuns: 2000 },
  );
  assert.ok(taken > 100, `${taken} were taken`);
});

test("what is no text among an event's facts is refused, and the stamper does not fail on it", () => {
  const stamper = createEventStamper({ writer: "w" });
  const ill: unknown = { ...workEvent(), subject: null, object: { n: 1 }, context: undefined };
  const event = Reflect.apply(stamper.stamp, stamper, [ill]);
  assert.equal(checkEvent(event)?.kind, "schema");
});

test("a line has the members of an event in their order, whatever order they came in", () => {
  const { id, time, ...rest } = auditEvent();
  const line = lineOf({ ...rest, time, id });
  assert.deepEqual(Object.keys(JSON.parse(line)), [
    "id",
    "time",
    "writer",
    "seq",
    "severity",
    "action",
    "sub",
    "obj",
    "ctx",
  ]);
  assert.ok(!line.includes("\n"));
});

test("a line is the JSON of its event, whatever stands in it", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(text, text, facts, (id, time, obj) => {
      const event = auditEvent({ id, time, obj });
      assert.equal(lineOf(event), JSON.stringify(event));
    }),
  );
});
