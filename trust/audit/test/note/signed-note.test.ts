/** Notes and keys against those that Go's note package documents, and against what must not pass. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import {
  formatNote,
  formatNoteKey,
  formatNoteSigningKey,
  generateNoteKey,
  noteKeyOf,
  openNote,
  parseNote,
  parseNoteKey,
  parseNoteSigningKey,
  signNote,
} from "@cupel/audit";
import fc from "fast-check";

/** Of the documentation of golang.org/x/mod/sumdb/note. */
const goPublicKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const goPrivateKey = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const goText =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const goNote = `${goText}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

const parse = (text: string) => parseNote(Buffer.from(text));

test("Go's note is opened with Go's key, and made again from its private key to the byte", () => {
  const [signature] = openNote(parse(goNote), [parseNoteKey(goPublicKey)]);
  assert.equal(signature?.name, "PeterNeumann");
  const key = parseNoteSigningKey(goPrivateKey);
  assert.equal(formatNote(signNote(goText, [key])), goNote);
  assert.equal(formatNoteKey(key), goPublicKey);
  assert.equal(formatNoteSigningKey(key), goPrivateKey);
});

test("a change of any bit of a signed note is noticed", () => {
  const key = parseNoteKey(goPublicKey);
  const bytes = Buffer.from(goNote);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => openNote(parseNote(changed), [key]), /no signed note|was changed|is known here/);
  }
});

test("who signed is told apart from who signed wrongly", () => {
  const ours = generateNoteKey("example.com/log");
  const others = generateNoteKey("example.com/log");
  const note = signNote("text\n", [ours]);
  assert.throws(() => openNote(note, [others]), { code: "KEY_UNKNOWN" });
  assert.throws(() => openNote({ ...note, text: "other\n" }, [ours]), { code: "SIGNATURE_INVALID" });
  // One right signature does not excuse a wrong one.
  const both = signNote("text\n", [ours, others]);
  const [first, second] = both.signatures;
  assert.ok(first && second);
  const wrong = { ...second, signature: Buffer.alloc(64) };
  assert.throws(() => openNote({ text: both.text, signatures: [first, wrong] }, [ours, others]), {
    code: "SIGNATURE_INVALID",
  });
  assert.equal(openNote({ text: both.text, signatures: [first, wrong] }, [ours]).length, 1);
  assert.equal(openNote({ text: both.text, signatures: [first, first] }, [ours]).length, 1);
});

test("a cosignature is over the time too", () => {
  const witness = generateNoteKey("witness.example/w1", 4);
  const note = signNote("example.com/log\n0\n", [witness], 1_679_315_147);
  const [signature] = note.signatures;
  assert.ok(signature);
  assert.equal(signature.signature.readBigUInt64BE(), 1_679_315_147n);
  assert.equal(openNote(note, [parseNoteKey(formatNoteKey(witness))]).length, 1);
  const later = Buffer.from(signature.signature);
  later.writeBigUInt64BE(1_679_315_148n);
  assert.throws(() => openNote({ ...note, signatures: [{ ...signature, signature: later }] }, [witness]), {
    code: "SIGNATURE_INVALID",
  });
});

test("what is no note is refused", () => {
  const signature = goNote.slice(goText.length + 1);
  for (const text of [
    "",
    "\n",
    goText,
    `${goText}\n`,
    goNote.slice(0, -1),
    goNote.replace("\n\n", "\n"),
    `${goText}\n${signature}\n${signature}x\n`,
    goNote.replace("— ", "- "),
    goNote.replace("nAM=", "nAM"),
    goNote.replace("nAM=", "nAN="),
    goNote.replace("— PeterNeumann ", "— Peter+Neumann "),
    goNote.replace("— PeterNeumann ", "—  "),
    goNote.replace("problem", "prob\tlem"),
    goNote.replaceAll("\n", "\r\n"),
    `${goText}\n— PeterNeumann x08goA==\n`,
    `${goText}\n${signature.repeat(101)}`,
  ]) {
    assert.throws(() => parse(text), { code: "NOTE_INVALID" }, JSON.stringify(text.slice(-120)));
  }
  assert.throws(() => parseNote(Buffer.from([0xff, ...Buffer.from(goNote)])), { code: "NOTE_INVALID" });
  assert.throws(() => parseNote(Buffer.alloc(2_000_000, 0x61)), { code: "NOTE_INVALID" });
  // A mark of byte order is a part of the text, and so a change of it.
  assert.throws(() => openNote(parse(`\ufeff${goNote}`), [parseNoteKey(goPublicKey)]), {
    code: "SIGNATURE_INVALID",
  });
});

test("what is no key is refused, and a private key is not repeated", () => {
  for (const text of [
    "",
    "PeterNeumann",
    "PeterNeumann+c74f20a3",
    "PeterNeumann+c74f20a3+",
    goPublicKey.replace("c74f20a3", "c74f20a4"),
    goPublicKey.replace("c74f20a3", "C74F20A3"),
    goPublicKey.replace("PeterNeumann", "Peter"),
    goPublicKey.replace("PeterNeumann", "Peter Neumann"),
    goPublicKey.replace("+ARpc", "+AhpC"),
    goPublicKey.replace("10TW", "10T"),
    goPrivateKey,
  ]) {
    assert.throws(() => parseNoteKey(text), { code: "KEY_INVALID" }, text);
  }
  for (const text of [goPublicKey, goPrivateKey.replace("Neumann", "N"), goPrivateKey.slice(0, -4)]) {
    assert.throws(
      () => parseNoteSigningKey(text),
      (thrown: Error & { code?: string }) =>
        thrown.code === "KEY_INVALID" && !thrown.message.includes("EKFALVFGyNhPJEMzD1QIDr"),
    );
  }
  const { publicKey } = generateKeyPairSync("ed448");
  assert.throws(() => noteKeyOf("name", publicKey), { code: "KEY_INVALID" });
});

test("every note that is signed can be read and opened", () => {
  const key = generateNoteKey("example.com/log");
  const text = fc.string({ unit: "grapheme" }).map((each) => `${each.replace(/\p{Cc}/gu, "")}\n`);
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (lines) => {
      const note = signNote(lines.join(""), [key]);
      const read = parse(formatNote(note));
      assert.deepEqual(read, note);
      assert.equal(openNote(read, [key]).length, 1);
    }),
  );
});
