/** Nothing that is planted comes out, and who has the files but no keys learns nothing from pseudonyms. */
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createRandom, type EventSeverity, openTemporaryFolder, type WorkEvent } from "@cupel/base";
import { checkEvent } from "../../src/event/check-event.ts";
import { lineOf } from "../../src/event/line.ts";
import { createEventStamper } from "../../src/event/stamp.ts";
import { openMasker } from "../../src/masking/masker.ts";
import { OrdinaryLines } from "../../src/recorder/ordinary-line.ts";
import { auditEvent, openTestKeys } from "../support/keys.ts";
import { bareText, inFrame, mobile, plant, plantedKinds } from "../support/planted.ts";

test("of 5,000 events with personal data of every kind, no plain text comes out, of quarantine neither", async () => {
  await using folder = await openTemporaryFolder("planted");
  await using keys = await openTestKeys(folder.path);
  const masker = openMasker({}, keys);
  const random = createRandom(6);
  for (let i = 0; i < 5_000; i++) {
    const planted = plantedKinds.map((kind) => plant(random, kind));
    const members = planted.map(({ kind, text }) => [`its_${kind}`, inFrame(random, text)]);
    const event = auditEvent({
      severity: i % 5 === 0 ? "ERROR" : "INFO",
      sub: { id: `person-${i % 50}` },
      ctx: Object.fromEntries(members),
    });
    for (const out of [
      masker.mask(event),
      masker.scrub.value(event),
      masker.scrub.text(JSON.stringify(event)),
    ]) {
      const text = bareText(JSON.stringify(out));
      assert.ok(!text.includes("PERSON"), text);
      for (const { bare, text: written } of planted) {
        assert.ok(!text.includes(bareText(bare)) && !text.includes(bareText(written)), written);
      }
    }
  }
});

test("10,000 phones are tried against the pseudonyms with all that the files have: nothing fits", async () => {
  await using folder = await openTemporaryFolder("enumerate");
  const random = createRandom(7);
  const phones = Array.from({ length: 10_000 }, () => mobile(random));
  const pseudonyms = new Set<string>();
  {
    await using keys = await openTestKeys(folder.path);
    const masker = openMasker({ rules: { mobile: "pseudonym" } }, keys);
    for (const phone of phones.slice(0, 500)) {
      const { sub, ctx } = masker.mask(auditEvent({ sub: { id: phone }, ctx: { note: phone } }));
      for (const each of [sub.id!, ctx.note!]) pseudonyms.add(each.replace("psn1.", ""));
    }
  }
  const files = await Promise.all(
    (await readdir(folder.path)).map((name) => readFile(join(folder.path, name))),
  );
  const everything = Buffer.concat(files);
  // Everything of 32 bytes in the files as a salt, at each place of a record, for the first of them; and none.
  const salts = [
    Buffer.alloc(0),
    ...Array.from({ length: 272 }, (_, at) => everything.subarray(at, at + 32)),
  ];
  const tags = new Set(
    Array.from({ length: 500 }, (_, i) =>
      files
        .at(-1)
        ?.subarray(i * 136 + 20, i * 136 + 36)
        .toString("hex"),
    ),
  );
  for (const phone of phones) {
    for (const text of [phone, `mobile\n${phone}`, `subject\n${phone}`]) {
      const digests = [
        createHash("sha256").update(text).digest(),
        ...(phone === phones[0] ? salts : salts.slice(0, 1)).map((salt) =>
          createHmac("sha256", salt).update(text).digest(),
        ),
      ];
      for (const digest of digests) {
        assert.ok(!pseudonyms.has(digest.toString("base64url").slice(0, 22)));
        assert.ok(!tags.has(digest.subarray(0, 16).toString("hex")));
      }
    }
    assert.ok(!everything.includes(phone));
  }
  assert.equal(pseudonyms.size, 1000, "no two are alike");
});

test("a line that is made in one pass is the line of the check, the mask and the writer, or none", async () => {
  await using folder = await openTemporaryFolder("ordinary");
  await using keys = await openTestKeys(folder.path);
  const masker = openMasker(
    {
      // Nothing is encrypted: two of one are never the same.
      rules: {
        private: "mask",
        email: "mask",
        residentId: "truncate",
        bankCard: "mask",
        mobile: "pseudonym",
        ip: "truncate",
      },
      tags: { "obj.owner": "subject", "ctx.note": "private", "sub.role": "keep" },
      impersonal: ["service"],
    },
    keys,
  );
  const ordinary = new OrdinaryLines(masker);
  const stamper = createEventStamper({ writer: "w" });
  const random = createRandom(18);
  const pick = <Item>(items: readonly Item[]): Item => items[random.integer(items.length)]!;
  const odd = [
    "",
    'a "quote"',
    "back\\slash",
    "tab\there",
    "\u0007",
    "\u202eturned",
    "\ud83d\ude00",
    "\ud800 half",
    "\u2028",
    "caf\u00e9",
    "\u6587\u5b57",
    "%41",
    "\u007f",
    "x".repeat(4096),
    "x".repeat(4097),
    "\u6587".repeat(4096),
    "__proto__",
    "password=hunter22",
  ];
  const usual = [
    "rest",
    "board-defects",
    "3",
    "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe3",
    "4bf92f3577b34da6a3ce929d0e0e4736",
  ];
  const value = (): string => {
    const chance = random.uniform();
    if (chance < 0.85) return pick(usual);
    return chance < 0.93 ? pick(odd) : inFrame(random, plant(random, pick(plantedKinds)).text);
  };
  const names = ["model", "version", "digest", "face", "code", "owner", "note", "trace", "tenant"];
  const rare = ["ip", "13800138000", "1st", "a b", "\u6587", "toJSON", "constructor", "x".repeat(65)];
  const facts = (more: Readonly<Record<string, unknown>> = {}) => {
    const made: Record<string, unknown> = { ...more };
    for (let i = random.integer(5); i > 0; i--)
      made[random.uniform() < 0.97 ? pick(names) : pick(rare)] = value();
    return made;
  };
  const counts = { ordinary: 0, other: 0 };
  for (let i = 0; i < 30_000; i++) {
    const subject = facts({
      ...(random.uniform() < 0.97 ? { kind: pick(["client", "user", "service", "system", "nobody"]) } : {}),
      ...(random.uniform() < 0.97
        ? { id: random.uniform() < 0.9 ? `person-${random.integer(40)}` : value() }
        : {}),
    });
    const context = facts(
      random.uniform() < 0.5 ? { ip: pick(["10.1.2.3", "2001:db8::1", "fe80::1%eth0", "1.2.3", "::"]) } : {},
    );
    if (random.uniform() < 0.01) context.code = 200;
    const event = {
      action: pick(["INFER.REQUEST", "INFER.REQUEST", "MODEL.LOAD", "INFER.NOTHING"]),
      severity: (random.uniform() < 0.99
        ? pick(["INFO", "WARN", "ERROR", "CRITICAL"])
        : "DEBUG") as EventSeverity,
      subject,
      object: facts(),
      context,
    } as WorkEvent;
    const stamp = stamper.next();
    const line = ordinary.lineOf(stamp, event);
    if (line === null) {
      counts.other++;
      continue;
    }
    counts.ordinary++;
    const stamped = stamper.stamp(event, stamp);
    assert.equal(checkEvent(stamped), null, line);
    assert.equal(line, lineOf(masker.mask(stamped)));
  }
  assert.ok(counts.ordinary > 3000 && counts.other > 3000, JSON.stringify(counts));
});
