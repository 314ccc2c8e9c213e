/** What is found in a text, and what is not though it looks alike. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@cupel/base";
import fc from "fast-check";
import { visibleText } from "../../src/event/visible-text.ts";
import { luhnSum } from "../../src/masking/detect/bank-card.ts";
import { findSensitive } from "../../src/masking/detect/find-sensitive.ts";
import { gate, gates } from "../../src/masking/detect/gate.ts";
import { detectedKinds, type Hit } from "../../src/masking/detect/hit.ts";
import { findAddresses4, findAddresses6 } from "../../src/masking/detect/ip-address.ts";
import { findNumbers } from "../../src/masking/detect/numbers.ts";
import { isResidentId } from "../../src/masking/detect/resident-id.ts";
import { findSecrets, findUserInfo } from "../../src/masking/detect/secret.ts";
import { bankCard, digits, inFrame, mobile, plant, plantedKinds } from "../support/planted.ts";

const all = new Set(detectedKinds);
const found = (text: string) =>
  (findSensitive(text, all) ?? []).map(({ kind, start, end, canonical }) => [
    kind,
    text.slice(start, end),
    canonical,
  ]);
const kindsIn = (text: string) => found(text).map(([kind]) => kind);

test("a phone is found however it is written, and told in one way", () => {
  for (const text of [
    "13800138000",
    "138-0013-8000",
    "138 0013 8000",
    "138.0013.8000",
    "(138) 0013-8000",
    "+8613800138000",
    "+86 138 0013 8000",
    "0086-138-0013-8000",
    "８６１３８００１３８０００",
    "１３８－００１３－８０００",
    "138\u200b0013\u200b8000",
    "138\u20110013\u20138000",
    "%2B86%20138%200013%208000",
    String.raw`\u0031380013\u0038000`,
    "𝟏𝟑𝟖𝟎𝟎𝟏𝟑𝟖𝟎𝟎𝟎",
    "١٣٨٠٠١٣٨٠٠٠",
    "1 3 8 0 0 1 3 8 0 0 0",
  ]) {
    assert.deepEqual(
      found(text).map(([kind, , canonical]) => [kind, canonical]),
      [["mobile", "13800138000"]],
      text,
    );
  }
});

test("several in a row are each found, beside dates and among letters", () => {
  assert.deepEqual(found("2026-11-27 138-0013-8000 13900139000,13700137000"), [
    ["mobile", "138-0013-8000", "13800138000"],
    ["mobile", "13900139000", "13900139000"],
    ["mobile", "13700137000", "13700137000"],
  ]);
  assert.deepEqual(kindsIn("user13800138000x"), ["mobile"]);
});

test("a longer number, a digest, a UUID and a fraction hide no shorter number", () => {
  for (const text of [
    "913800138000",
    "138001380001",
    "138-0013-80001",
    "20261127138001380001234",
    "9f86d08188413800138000c7d659a2fe",
    "550e8400-e29b-41d4-a716-13800138000a",
    "0.4111111111111111",
    "1732672869123456789",
    "12800138000",
    "14100138000",
  ]) {
    assert.deepEqual(found(text), [], text);
  }
});

// The example of GB 11643-1999, appendix A, and another with X; the two of Luhn are the test cards of Visa and UnionPay.
test("an identity number needs its check digit, a date that was and a region; a card its issuer and Luhn", () => {
  assert.deepEqual(found("ID 11010519491231002X."), [
    ["residentId", "11010519491231002X", "11010519491231002X"],
  ]);
  assert.deepEqual(kindsIn("440524188001010014"), []);
  assert.ok(isResidentId("110105194912310 02X".replace(" ", "")));
  for (const wrong of [
    "110105194912310021",
    "11010519490231002X",
    "990105194912310020",
    "1101051949123100",
  ]) {
    assert.ok(!isResidentId(wrong), wrong);
  }
  assert.deepEqual(kindsIn("4111 1111 1111 1111"), ["bankCard"]);
  assert.deepEqual(kindsIn("6200000000000005"), ["bankCard"]);
  assert.deepEqual(kindsIn("4111111111111112"), []);
  assert.deepEqual(kindsIn("1111111111111117"), [], "no issuer has 1111");
  assert.equal(luhnSum("79927398713") % 10, 0, "the number of the Luhn article");
});

test("one digit changed, or two neighbours swapped, is no identity number any more", () => {
  const valid = "11010519491231002X";
  for (let at = 0; at < 17; at++) {
    for (const digit of "0123456789") {
      const changed = valid.slice(0, at) + digit + valid.slice(at + 1);
      assert.equal(isResidentId(changed), changed === valid, changed);
    }
  }
});

test("mail, addresses and secrets are found, and what only looks like them is not", () => {
  const table: readonly (readonly [string, readonly string[]])[] = [
    ["alice@example.com", ["email"]],
    ["邮箱是alice@example.com谢谢", ["email"]],
    ["用户@例子.公司", ["email"]],
    ["a%40b.example", ["email"]],
    ['"john doe"@example.com', ["email"]],
    ["ａｌｉｃｅ＠example.com", ["email"]],
    ["13800138000@163.com", ["email"]],
    ["@scope/pkg@1.2.3", []],
    ["repo@sha256:abc", []],
    ["10.0.0.1:8080", ["ip"]],
    ["192.168.001.010", ["ip"]],
    ["v1.2.3.4", []],
    ["1.2.3.4.5", []],
    ["256.1.1.1", []],
    ["[2001:db8::1]:443", ["ip"]],
    ["from fe80::1%eth0.", ["ip"]],
    ["::ffff:192.0.2.1", ["ip"]],
    ["std::vector", []],
    ["2026-11-27T10:00:00", []],
    ["aa:bb:cc:dd:ee:ff", []],
    ["Authorization: Bearer abcdefghijklmnopqrstuvwx", ["secret"]],
    ["basic authentication failed", []],
    ["token limit exceeded", []],
    ["password=hunter2", ["secret"]],
    ['{"dbPassword":"hunter2"}', ["secret"]],
    ["DB_PASSWORD=hunter2", ["secret"]],
    ["postgres://u:hunter2@db/x", ["secret"]],
    [`AKIA${"Z".repeat(16)}`, ["secret"]],
    [`ghp_${"a1".repeat(18)}`, ["secret"]],
    ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP", ["secret"]],
    [
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIE\n-----END RSA PRIVATE KEY-----",
      ["secret"],
    ],
    ["-----BEGIN PRIVATE KEY-----\nMIIE", ["secret"]],
    [`sha256:${"9f86d081884c7d65".repeat(4)}`, []],
  ];
  for (const [text, kinds] of table) assert.deepEqual(kindsIn(text), kinds, text);
});

test("of what is cut off or has headers, nothing is left", () => {
  const pem =
    "-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,00\n\nMIIE\n-----END RSA PRIVATE KEY-----";
  assert.deepEqual(found(pem)[0]?.[1], pem);
});

test("whatever is planted is covered whole, in any frame", () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom(...plantedKinds), (seed, kind) => {
      const random = createRandom(seed);
      const { bare, text } = plant(random, kind);
      const framed = inFrame(random, text);
      const hits = findSensitive(framed, all) ?? [];
      const at = framed.indexOf(text);
      // Of "password=..." only what follows is secret, and of "<a@b>" what is between.
      const inner = text.includes(bare) ? at + text.indexOf(bare) : at + 1;
      const covering = hits.find(({ start, end }) => start <= Math.max(inner, at + 1) && end >= inner + 10);
      assert.ok(covering ?? (kind === "ip" && hits.length > 0), framed);
    }),
    { numRuns: 2000 },
  );
});

test("hits are in order, apart and inside any text; a number is not found in a part of a longer one", () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.integer().map((seed) => plant(createRandom(seed), "mobile").text),
    fc.constantFrom("@", "%", "\\u00", "::", "-----BEGIN", "=", '"', "eyJ", "Bearer ", "\ud835", " "),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join("");
      let from = 0;
      for (const { start, end } of findSensitive(text, all) ?? []) {
        assert.ok(from <= start && start < end && end <= text.length);
        from = end;
      }
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = createRandom(seed);
      const number = mobile(random);
      for (const longer of [`9${number}`, `${number}${digits(random, 1)}`, `77${number}7`]) {
        assert.ok(!found(longer).some(([, , canonical]) => canonical === number), longer);
      }
    }),
  );
});

test("no text takes long: the steps grow with its length and not with its square", () => {
  const worst = [
    "1 ",
    "1-",
    "a@",
    "1.",
    "::",
    "password=",
    "eyJa.",
    "-----BEGIN A-----",
    '"',
    "%31",
    "é@",
    "Bearer a",
  ];
  for (const each of worst) {
    const time = (length: number) => {
      const text = each.repeat(Math.floor(length / each.length));
      const { user } = process.cpuUsage();
      findSensitive(text, all);
      return process.cpuUsage().user - user;
    };
    // Four times the length: four times the steps of a walk, sixteen of a quadratic one. Below a millisecond nothing can be told.
    const ratios = Array.from({ length: 5 }, () => time(65_536) / Math.max(time(16_384), 1_000));
    assert.ok(Math.min(...ratios) < 9, `${each}: ${ratios}`);
  }
});

test("clean numbers are seldom taken for personal data", () => {
  const random = createRandom(16);
  const count = 10_000;
  let hits = 0;
  for (let i = 0; i < count; i++) {
    if (findSensitive(`${1 + random.integer(9)}${digits(random, 7 + random.integer(13))}`, all)) hits++;
  }
  // The figures of 100,000 are 1.2 to 1.3 %: see tools/masking-figures.ts.
  assert.ok(hits / count < 0.02, `${hits} of ${count}`);
});

test("no detector takes anything from among hexadecimal digits, which the gate counts on", () => {
  const random = createRandom(21);
  for (let i = 0; i < 20_000; i++) {
    const planted = i % 2 === 0 ? mobile(random) : bankCard(random);
    const hex = (length: number) => Array.from({ length }, () => random.integer(16).toString(16)).join("");
    const text = `${hex(random.integer(24))}${planted}${hex(random.integer(24))}a`;
    if (text.length < 16) continue;
    const hits: Hit[] = [];
    for (const find of [findNumbers, findSecrets, findUserInfo, findAddresses4, findAddresses6])
      find(text, hits);
    assert.deepEqual(hits, [], text);
    assert.equal(gate(text), 0);
  }
});

test("every character that is not shown opens the gate of hidden ones, alone and remembered texts too", () => {
  for (let unit = 0; unit < 0x1_0000; unit++) {
    const character = String.fromCharCode(unit);
    const isHidden = visibleText(character) !== character;
    for (const text of [character, `model ${character} of ours`, `model ${character} of ours`]) {
      assert.equal((gate(text) & gates.hidden) !== 0, isHidden, unit.toString(16));
    }
  }
});
