/** What becomes of an event: by tag, by what is found, by severity; and how it is read again. */
import assert from "node:assert/strict";
import { getCiphers } from "node:crypto";
import { test } from "node:test";
import { createRandom, openTemporaryFolder } from "@cupel/base";
import fc from "fast-check";
import type { AuditEvent } from "../../src/audit-event.ts";
import { openMasker } from "../../src/masking/masker.ts";
import { ERASED, UNREADABLE, unmask } from "../../src/masking/unmask.ts";
import { auditEvent, openTestKeys } from "../support/keys.ts";
import { inFrame, plant, plantedKinds } from "../support/planted.ts";

const withoutSm4 = getCiphers().includes("sm4-gcm") ? false : `Node.js ${process.version} has no SM4-GCM`;

async function opened(policy: unknown = {}, options: Parameters<typeof openTestKeys>[1] = {}) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await openTemporaryFolder("masker"));
  const keys = stack.use(await openTestKeys(folder.path, options));
  const owned = stack.move();
  const masker = openMasker(policy, keys);
  return { masker, keys, folder: folder.path, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

test("an event with nothing to hide is the same event", async () => {
  await using its = await opened();
  const event = auditEvent({ sub: { role: "operator" }, obj: { model: "resnet50" }, ctx: { status: "200" } });
  assert.equal(its.masker.mask(event), event);
});

test("a tag decides without a detector, in all else what is found is treated and the rest stays", async () => {
  await using its = await opened({
    tags: { "sub.name": "private", "obj.batch": "keep" },
    rules: { private: "mask" },
  });
  const event = auditEvent({
    sub: { id: "alice", name: "张小明", role: "doctor" },
    obj: { batch: "13800138000", note: "call 138-0013-8000 or a@b.example" },
    ctx: { ip: "203.0.113.7" },
  });
  const { sub, obj, ctx } = its.masker.mask(event);
  assert.match(sub.id!, /^psn1\.[\w-]{22}$/);
  assert.equal(sub.name, "张***");
  assert.equal(sub.role, "doctor");
  assert.deepEqual(obj, { batch: "13800138000", note: "call 138******00 or ***@b.example" });
  assert.deepEqual(ctx, { ip: "203.0.113.0" });
  assert.equal(event.sub.id, "alice", "what was given is not changed");
});

test("each kind keeps a little, and truncated only what it belongs to", async () => {
  const kinds = {
    mobile: ["13800138000", "138******00", "138…"],
    residentId: ["11010519491231002X", "11****************", "11…"],
    bankCard: ["4111 1111 1111 1111", "************1111", "411111…"],
    email: ["alice@example.com", "a***@example.com", "@example.com"],
    ip: ["2001:db8:1:2::3", "2001:db8:1::*", "2001:db8:1::"],
    secret: [`ghp_${"a1".repeat(18)}`, "ghp_***", "***"],
  };
  for (const [i, strategy] of ["mask", "truncate"].entries()) {
    const rules = Object.fromEntries(["subject", ...Object.keys(kinds)].map((kind) => [kind, strategy]));
    const masker = openMasker({ rules }, null);
    const texts = Object.entries(kinds).map(([kind, [text = ""]]) => [`x${kind}`, text]);
    const { ctx } = masker.mask(auditEvent({ ctx: Object.fromEntries(texts) }));
    for (const [kind, forms] of Object.entries(kinds)) {
      assert.equal(
        Object.entries(ctx).find(([name]) => name === `x${kind}`)?.[1],
        forms[i + 1],
        `${strategy} ${kind}`,
      );
    }
  }
});

test("one subject has one pseudonym, whatever the spelling; another subject another", async () => {
  await using its = await opened({ rules: { mobile: "pseudonym" } });
  const of = (id: string, note: string) => {
    const { sub, ctx } = its.masker.mask(auditEvent({ sub: { id }, ctx: { note } }));
    return [sub.id, ctx.note];
  };
  assert.deepEqual(of("alice", "13800138000"), of("alice", "138-0013-8000"));
  const [alice, bob] = [of("alice", "13800138000"), of("bob", "13800138000")];
  assert.notEqual(alice[0], bob[0]);
  assert.notEqual(alice[1], bob[1], "under the salt of each");
});

test("kinds of subject that are no people keep their id, unless something is found in it", async () => {
  await using its = await opened({ impersonal: ["service"] });
  const id = (kind: string, id: string) => its.masker.mask(auditEvent({ sub: { kind, id } })).sub.id;
  assert.equal(id("service", "key:ci"), "key:ci");
  assert.equal(id("service", "key:13800138000"), "key:138******00");
  assert.match(id("user", "key:ci")!, /^psn1\./);
});

for (const cipher of ["aes-256-gcm", "sm4-gcm"] as const) {
  test(`what ${cipher} encrypts is read again, and after an erasure says so`, {
    skip: cipher === "sm4-gcm" && withoutSm4,
  }, async () => {
    await using its = await opened({ cipher, rules: { subject: "encrypt" } }, { cipher });
    const event = auditEvent({
      severity: "ERROR",
      sub: { id: "alice" },
      ctx: { ip: "203.0.113.7", note: "x13800138000y and a@b.example" },
    });
    const masked = its.masker.mask(event);
    assert.match(
      masked.sub.id!,
      new RegExp(String.raw`^\[enc1\.${cipher}\.[\w-]{16}\.[\w-]{16}\.[\w-]{22}\.[\w-]+\]$`),
    );
    const read = unmask(masked, its.keys);
    assert.deepEqual(read.event, event);
    assert.deepEqual(
      read.fields.map(({ member, state }) => [member, state]),
      [
        ["sub.id", "read"],
        ["ctx.ip", "read"],
        ["ctx.note", "read"],
        ["ctx.note", "read"],
      ],
    );
    await its.keys.erase("alice");
    const after = unmask(masked, its.keys);
    assert.ok(after.fields.every(({ state }) => state === "erased"));
    assert.deepEqual(after.event.ctx, { ip: ERASED, note: `x${ERASED}y and ${ERASED}` });
  });
}

test("a member tagged subject elsewhere has the key of whom it names; erasing one leaves the other", async () => {
  await using its = await opened({ tags: { "obj.patient": "subject" }, rules: { subject: "encrypt" } });
  const masked = its.masker.mask(auditEvent({ sub: { id: "doctor" }, obj: { patient: "patient" } }));
  await its.keys.erase("patient");
  const { event } = unmask(masked, its.keys);
  assert.deepEqual([event.sub.id, event.obj.patient], ["doctor", ERASED]);
});

test("a field moved to another event, member or place, or changed by a bit, does not open", async () => {
  await using its = await opened();
  const masked = its.masker.mask(
    auditEvent({ severity: "ERROR", ctx: { a: "13800138000 13900139000", b: "13700137000" } }),
  );
  const state = (event: AuditEvent) => unmask(event, its.keys).fields.map((field) => field.state);
  assert.deepEqual(state(masked), ["read", "read", "read"]);
  assert.deepEqual(state({ ...masked, id: "another" }), ["altered", "altered", "altered"]);
  const { a, b } = masked.ctx as { a: string; b: string };
  assert.deepEqual(state({ ...masked, ctx: { a: b, b: a } }), ["altered", "altered", "altered"]);
  assert.deepEqual(state({ ...masked, ctx: { a: a.split(" ").reverse().join(" "), b } }), [
    "altered",
    "altered",
    "read",
  ]);
  const changed = b.replace(/.(?=\]$)/, (last) => (last === "A" ? "Q" : "A"));
  const { event, fields } = unmask({ ...masked, ctx: { a, b: changed } }, its.keys);
  assert.equal(fields.at(-1)?.state, "altered");
  assert.equal(event.ctx.b, UNREADABLE);
});

test("what comes in and looks like a field moves no other's place, and is told as not ours", async () => {
  await using its = await opened();
  const forged = `[enc1.aes-256-gcm.${"A".repeat(16)}.${"A".repeat(16)}.${"A".repeat(22)}.AAAA]`;
  const event = auditEvent({ severity: "ERROR", ctx: { a: `${forged} 13800138000` } });
  const { event: read, fields } = unmask(its.masker.mask(event), its.keys);
  assert.deepEqual(
    fields.map(({ state }) => state),
    ["unknown key", "read"],
  );
  assert.equal(read.ctx.a, `${UNREADABLE} 13800138000`);
});

test("any event is read again as it was; its members stay in their order, odd names included", async () => {
  await using its = await opened({ rules: { subject: "encrypt", secret: "encrypt" } });
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.tuple(fc.integer(), fc.constantFrom(...plantedKinds)).map(([seed, kind]) => {
      const random = createRandom(seed);
      return inFrame(random, plant(random, kind).text);
    }),
  );
  const name = fc.oneof(
    fc.constantFrom("id", "ip", "__proto__", "constructor", "kind"),
    fc.stringMatching(/^[a-z]{1,6}$/),
  );
  // As JSON makes them: "__proto__" is a member like any other.
  const facts = fc
    .array(fc.tuple(name, text), { maxLength: 6 })
    .map((entries) =>
      JSON.parse(`{${entries.map(([n, t]) => `${JSON.stringify(n)}:${JSON.stringify(t)}`).join()}}`),
    );
  fc.assert(
    fc.property(facts, facts, facts, (sub, obj, ctx) => {
      const event = auditEvent({ severity: "ERROR", sub, obj, ctx });
      const masked = its.masker.mask(event);
      assert.deepEqual(Object.keys(masked.ctx), Object.keys(ctx));
      const read = unmask(masked, its.keys);
      assert.equal(JSON.stringify(read.event), JSON.stringify(event));
    }),
    { numRuns: 500 },
  );
});

test("what was masked may be written once its key lasts", async () => {
  const flushed: string[] = [];
  const { openDurableFile } = await import("../../src/keys/durable-file.ts");
  await using folder = await openTemporaryFolder("settled");
  await using keys = await openTestKeys(folder.path, {
    openFile: async (path) => {
      const file = await openDurableFile(path);
      return { ...file, size: () => file.size(), sync: async () => void flushed.push(path) };
    },
  });
  flushed.length = 0;
  const masker = openMasker({}, keys);
  masker.mask(auditEvent({ sub: { id: "alice" } }));
  masker.mask(auditEvent({ sub: { id: "bob" } }));
  assert.equal(flushed.length, 0);
  await Promise.all([masker.settled(), masker.settled()]);
  assert.equal(flushed.length, 1, "both keys by one flush");
  masker.mask(auditEvent({ sub: { id: "alice" } }));
  await masker.settled();
  assert.equal(flushed.length, 1, "no key is new");
});

test("what is refused is scrubbed without keys: names, numbers, escapes, and texts that are no JSON", () => {
  const rules = {
    subject: "mask",
    email: "mask",
    residentId: "mask",
    bankCard: "mask",
    mobile: "mask",
    ip: "mask",
    private: "mask",
  };
  const { scrub } = openMasker({ rules, tags: { "sub.name": "private" } }, null);
  assert.deepEqual(
    scrub.value({
      subject: { id: "alice", name: ["Zhang Wei"] },
      n: 13800138000,
      13800138000: [true, null, 7],
    }),
    { subject: { id: "a***", name: ["Z***"] }, n: "138******00", "138******00": [true, null, 7] },
  );
  const broken = '{"sub":{"id":"ali\\"ce","x":"\\u0031\\u0033800138000"';
  const scrubbed = scrub.text(broken);
  assert.ok(!scrubbed.includes("ali") && !scrubbed.includes("800138000"), scrubbed);
});

test("a name that is itself a phone is masked", async () => {
  await using its = await opened();
  const { ctx } = its.masker.mask(auditEvent({ ctx: { "13800138000": "x" } }));
  assert.deepEqual(ctx, { "138******00": "x" });
});
