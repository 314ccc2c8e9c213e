import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkpointText,
  formatNote,
  generateNoteKey,
  openCheckpoint,
  parseCheckpoint,
  signNote,
} from "@cupel/audit";

/** The example of https://c2sp.org/tlog-checkpoint. */
const text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const root = Buffer.from("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", "base64");

test("the example of the specification is read, and made again to the byte", () => {
  const checkpoint = parseCheckpoint(text);
  assert.equal(checkpoint.origin, "example.com/behind-the-sofa");
  assert.equal(checkpoint.size, 20_852_163);
  assert.deepEqual(checkpoint.root, root);
  assert.equal(checkpoint.sm3Root, null);
  assert.equal(checkpointText(checkpoint.origin, checkpoint.size, checkpoint.root), text);
});

test("the root by SM3 is a line of its own, beside lines that others may have", () => {
  const sm3Root = Buffer.alloc(32, 7);
  const ours = checkpointText("example.com/log", 3, root, sm3Root);
  assert.deepEqual(parseCheckpoint(`${ours}something else\n`).sm3Root, sm3Root);
  assert.equal(parseCheckpoint(`${ours}something else\n`).extensions.length, 2);
  assert.throws(() => parseCheckpoint(`${ours}sm3 ${sm3Root.toString("base64")}\n`), {
    code: "LOG_CHECKPOINT_INVALID",
    message: /two lines of SM3/,
  });
  assert.throws(() => parseCheckpoint(`${text}sm3 AAAA\n`), { code: "LOG_CHECKPOINT_INVALID" });
});

test("what is no checkpoint is refused", () => {
  for (const changed of [
    "",
    "\n",
    text.slice(0, -1),
    text.replace("example.com/behind-the-sofa", ""),
    text.replace("20852163", "020852163"),
    text.replace("20852163", "-1"),
    text.replace("20852163", "9007199254740992"),
    text.replace("q2I=", "q2J="),
    text.replace("CsUY", ""),
    `${text}\n`,
    `${text}\nline\n`,
    "example.com/log\n1\n",
  ]) {
    assert.throws(
      () => parseCheckpoint(changed),
      { code: "LOG_CHECKPOINT_INVALID" },
      JSON.stringify(changed),
    );
  }
});

test("nothing is signed that could not be read", () => {
  assert.throws(() => checkpointText("two\nlines", 1, root), RangeError);
  assert.throws(() => checkpointText("", 1, root), RangeError);
  assert.throws(() => checkpointText("log", 2 ** 53, root), RangeError);
  assert.throws(() => checkpointText("log", 1, Buffer.alloc(31)), RangeError);
});

test("a checkpoint is opened by a present or a former key of its log, with its witnesses", () => {
  const [former, present, witness] = [
    generateNoteKey("example.com/log"),
    generateNoteKey("example.com/log"),
    generateNoteKey("witness.example/w", 4),
  ];
  const body = checkpointText("example.com/log", 3, root);
  const bytes = (...keys: (typeof former)[]) => Buffer.from(formatNote(signNote(body, keys)));
  const keys = { origin: "example.com/log", logKeys: [former, present], witnessKeys: [witness] };
  assert.equal(openCheckpoint(bytes(former), keys).signatures.length, 1);
  assert.equal(openCheckpoint(bytes(present, witness), keys).signatures.length, 2);
  assert.throws(() => openCheckpoint(bytes(present), { ...keys, logKeys: [former] }), {
    code: "KEY_UNKNOWN",
  });
  // A witness alone does not speak for the log.
  assert.throws(() => openCheckpoint(bytes(witness), keys), { code: "KEY_UNKNOWN" });
  assert.throws(() => openCheckpoint(bytes(present), { ...keys, origin: "example.com/other" }), {
    code: "ORIGIN_MISMATCH",
  });
  const wrong = Buffer.from(
    bytes(present, witness)
      .toString()
      .replace(/.{9}=\n$/, "AAAAAAAAA=\n"),
  );
  assert.throws(() => openCheckpoint(wrong, keys), { code: "SIGNATURE_INVALID" });
});
