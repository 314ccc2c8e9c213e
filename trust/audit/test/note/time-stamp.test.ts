/** Time stamps that the openssl program made, and what must not pass for one. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import {
  checkpointDigest,
  generateNoteKey,
  requestTimeStamp,
  signNote,
  timeStampQuery,
  verifyTimeStamp,
} from "@cupel/audit";
import { assertChain } from "../../src/note/certificate-chain.ts";
import { serveAnswers } from "./fake-witness.ts";
import { openAuthority, skipWithoutOpenssl as skip } from "./openssl-authority.ts";

const digest = checkpointDigest(signNote("example.com/log\n0\n", [generateNoteKey("example.com/log")]));
const refused = (message: RegExp) => ({ code: "TIME_STAMP_INVALID", message });

test("a stamp by RSA or an elliptic curve, of the digest that was asked for, holds", { skip }, async () => {
  await using authority = await openAuthority();
  for (const key of ["rsa", "P-256", "P-384"]) {
    authority.issue(key, "root", "stamps", key);
    const query = timeStampQuery(digest);
    const reply = authority.reply(key, query.bytes);
    const trust = { authorities: [authority.certificate("root")], nonce: query.nonce };
    const stamp = verifyTimeStamp(reply, digest, trust);
    assert.equal(stamp.policy, "1.2.3.4.1");
    assert.equal(stamp.accuracy, 1500.1);
    assert.ok(Math.abs(stamp.time.getTime() - Date.now()) < 3_600_000);
    assert.equal(stamp.certificate.subject, `CN=${key}`);
    // The program agrees, on both.
    assert.ok(authority.verify(reply, digest, "root"));
    assert.throws(
      () => verifyTimeStamp(reply, hash("sha256", "other", "buffer"), trust),
      refused(/another digest/),
    );
    const { nonce } = timeStampQuery(digest);
    assert.throws(() => verifyTimeStamp(reply, digest, { ...trust, nonce }), refused(/nonce/));
  }
});

test("the query is that of the program, but for its nonce", { skip }, async () => {
  await using authority = await openAuthority();
  const text = "example.com/log\n0\n";
  const theirs = authority.query(text);
  const { bytes } = timeStampQuery(hash("sha256", text, "buffer"));
  const beforeNonce = theirs.indexOf(hash("sha256", text, "buffer")) + 32;
  assert.deepEqual(bytes.subarray(2, beforeNonce), theirs.subarray(2, beforeNonce));
  assert.deepEqual(bytes.subarray(-3), theirs.subarray(-3));
});

test("who stands behind the stamp must be trusted, through those between too", { skip }, async () => {
  await using authority = await openAuthority();
  authority.issue("between", "root", "ca");
  authority.issue("stamper", "between", "stamps");
  const query = timeStampQuery(digest);
  const withChain = authority.reply("stamper", query.bytes, ["-chain", "between.pem"]);
  const alone = authority.reply("stamper", query.bytes);
  const trust = (name: string) => ({ authorities: [authority.certificate(name)] });
  verifyTimeStamp(withChain, digest, trust("root"));
  verifyTimeStamp(withChain, digest, trust("between"));
  verifyTimeStamp(alone, digest, trust("between"));
  for (const [reply, name] of [
    [withChain, "other"],
    [alone, "root"],
  ] as const) {
    assert.throws(() => verifyTimeStamp(reply, digest, trust(name)), { code: "KEY_UNKNOWN" });
  }
  assert.throws(() => verifyTimeStamp(withChain, digest, { authorities: [] }), { code: "KEY_UNKNOWN" });
});

test("a certificate for other purposes, or out of its time, stamps nothing", { skip }, async () => {
  await using authority = await openAuthority();
  const authorities = [authority.certificate("root")];
  const check = (name: string, time = new Date()) =>
    assertChain(authority.certificate(name), [], authorities, time);
  authority.issue("good", "root", "stamps");
  check("good");
  for (const usage of ["uncritical", "server", "both", "ca"]) {
    authority.issue(usage, "root", usage);
    assert.throws(() => check(usage), { name: "Error", message: /not one for time stamps only/ });
  }
  // Issued by one that is no authority itself.
  authority.issue("child", "good", "stamps");
  assert.throws(
    () =>
      assertChain(authority.certificate("child"), [authority.certificate("good")], authorities, new Date()),
    { code: "KEY_UNKNOWN" },
  );
  for (const days of [-1, 6]) {
    assert.throws(() => check("good", new Date(Date.now() + days * 86_400_000)), {
      message: /was not valid/,
    });
  }
});

test("a change of any bit is noticed, or changes nothing that counts", { skip }, async () => {
  await using authority = await openAuthority();
  authority.issue("stamper", "root", "stamps");
  const query = timeStampQuery(digest);
  const reply = authority.reply("stamper", query.bytes);
  const trust = { authorities: [authority.certificate("root")], nonce: query.nonce };
  const good = verifyTimeStamp(reply, digest, trust);
  let passed = 0;
  for (let bit = 0; bit < 8 * reply.length; bit++) {
    const changed = Buffer.from(reply);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    try {
      const stamp = verifyTimeStamp(changed, digest, trust);
      assert.deepEqual({ ...stamp, certificate: "" }, { ...good, certificate: "" });
      assert.ok(stamp.certificate.raw.equals(good.certificate.raw));
      passed++;
    } catch (thrown) {
      assert.match(
        String((thrown as { code?: unknown }).code),
        /^(TIME_STAMP_INVALID|KEY_UNKNOWN)$/,
        `bit ${bit}: ${thrown}`,
      );
    }
  }
  // Version numbers, the list of digests and the name of the signer are outside of what is signed.
  assert.ok(passed < reply.length, `${passed} bits of ${8 * reply.length}`);
});

test("what is no reply is refused, and a refusal is told", { skip: false }, () => {
  const trust = { authorities: [] };
  const rejection = Buffer.from("30053003020102", "hex");
  assert.throws(
    () => verifyTimeStamp(rejection, digest, trust),
    refused(/authority refused, with status 02/),
  );
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from("3000", "hex"),
    Buffer.from("3080", "hex"),
    Buffer.from("308100", "hex"),
    Buffer.from("3084ffffffff", "hex"),
    Buffer.from("1f00", "hex"),
    Buffer.from("30033001", "hex"),
    Buffer.alloc(300_000, 0x30),
    Buffer.from("30053003020100", "hex"),
  ]) {
    assert.throws(
      () => verifyTimeStamp(bytes, digest, trust),
      refused(/./),
      bytes.subarray(0, 9).toString("hex"),
    );
  }
  assert.throws(() => timeStampQuery(Buffer.alloc(20)), RangeError);
});

test("an authority is asked over HTTP", { skip }, async () => {
  await using authority = await openAuthority();
  authority.issue("stamper", "root", "stamps");
  const query = timeStampQuery(digest);
  await using served = await serveAnswers((_, response) =>
    response.end(authority.reply("stamper", query.bytes)),
  );
  const reply = await requestTimeStamp(`${served.url}/add-checkpoint`, query);
  verifyTimeStamp(reply, digest, { authorities: [authority.certificate("root")], nonce: query.nonce });
  await using broken = await serveAnswers((_, response) => response.writeHead(503).end());
  await assert.rejects(requestTimeStamp(`${broken.url}/add-checkpoint`, query), {
    code: "TIME_STAMP_UNREACHABLE",
    message: /503/,
  });
  await using silent = await serveAnswers(() => {});
  await assert.rejects(requestTimeStamp(`${silent.url}/add-checkpoint`, query, { timeout: 200 }), {
    code: "TIME_STAMP_UNREACHABLE",
    message: /200 ms/,
  });
});
