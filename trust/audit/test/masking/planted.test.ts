/** Nothing that is planted comes out, and who has the files but no keys learns nothing from pseudonyms. */
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createRandom, openTemporaryFolder } from "@cupel/base";
import { openMasker } from "../../src/masking/masker.ts";
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
