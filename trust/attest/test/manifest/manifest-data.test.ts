/** Manifests as data: roots, differences, and what is refused of a manifest that somebody wrote. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CupelError, createRandom } from "@cupel/base";
import {
  type ComparedEntry,
  compareManifests,
  describeDifference,
  type Manifest,
  manifestRoots,
  parseManifest,
} from "../../src/index.ts";
import { inPathOrder } from "../../src/manifest/manifest.ts";
import { merkleRoot } from "../../src/manifest/merkle-root.ts";
import { referenceTreeHash } from "../support/reference-root.ts";

test("the tree is that of RFC 6962", () => {
  // The leaves and roots of certificate-transparency's reference implementation.
  const leaves = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
  ].map((hex) => Buffer.from(hex, "hex"));
  const roots = new Map([
    [0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    [1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"],
    [2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    [3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"],
    [7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"],
    [8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"],
  ]);
  for (const [count, root] of roots) assert.equal(merkleRoot("sha256", leaves.slice(0, count)), root);
  for (let count = 0; count < 40; count++) {
    const many = Array.from({ length: count }, (_, i) => Buffer.of(i));
    assert.equal(merkleRoot("sm3", many), referenceTreeHash("sm3", many).toString("hex"));
  }
});

const digest = (seed: string) => Buffer.alloc(32, seed).toString("hex");

/** A file whose content is told by a letter. */
function file(path: string, content = path, options: { executable?: boolean; size?: number } = {}) {
  const { executable = false, size = 10 } = options;
  return {
    kind: "file",
    path,
    size,
    executable,
    sha256: digest(content),
    sm3: digest(`${content}!`),
  } as const;
}
const link = (path: string, target: string) => ({ kind: "link", path, target }) as const;
const folder = (path: string) => ({ kind: "folder", path }) as const;

test("each field of an entry moves both roots", () => {
  const base = manifestRoots([file("a"), file("b")]);
  const others: Manifest[] = [
    [file("a")],
    [file("a"), file("c", "b")],
    [file("a"), file("b", "b", { size: 11 })],
    [file("a"), file("b", "b", { executable: true })],
    [file("a"), { ...file("b"), sha256: digest("x") }],
    [file("a"), { ...file("b"), sm3: digest("x") }],
    [file("a"), link("b", "a")],
    [file("a"), link("b", "c")],
    [file("a"), folder("b")],
    [file("ab", "a"), file("b")],
  ];
  const all = [base, ...others.map(manifestRoots)];
  assert.equal(new Set(all.map(({ sha256 }) => sha256)).size, all.length);
  assert.equal(new Set(all.map(({ sm3 }) => sm3)).size, all.length);
});

function told(expected: readonly ComparedEntry[], found: readonly ComparedEntry[]): string[] {
  return compareManifests(inPathOrder(expected), inPathOrder(found)).map(describeDifference);
}

test("differences are told in sentences", () => {
  assert.deepEqual(told([file("a"), link("l", "a")], [file("a"), link("l", "a")]), []);
  assert.deepEqual(
    told([file("a"), file("b"), file("c")], [file("a", "b"), file("b", "c"), file("c", "a")]),
    [
      '"a" was changed: it has the content of "b"',
      '"b" was changed: it has the content of "c"',
      '"c" was changed: it has the content of "a"',
    ],
  );
  assert.deepEqual(told([file("a"), file("x")], [file("a", "z"), file("x", "y", { size: 3 })]), [
    '"a" was changed: other content of the same size',
    '"x" was changed: it has 3 bytes and not 10',
  ]);
  assert.deepEqual(told([file("a")], [file("B/a", "a", { executable: true })]), [
    '"a" was renamed to "B/a"',
    '"B/a" was made executable',
  ]);
  assert.deepEqual(told([file("é"), link("l", "x")], [file("e\u0301", "é"), link("m", "x")]), [
    '"é" is named "e\\u{301}", in other case or another Unicode form',
    '"l" was renamed to "m"',
  ]);
  assert.deepEqual(told([file("Data/x")], [file("data/x", "other")]), [
    '"Data/x" is named "data/x", in other case or another Unicode form',
    '"data/x" was changed: other content of the same size',
  ]);
});

test("of copies each is paired once, and empty files with none", () => {
  assert.deepEqual(told([file("a", "c"), file("b", "c")], [file("d", "c")]), [
    'the file "b" is missing',
    '"a" was renamed to "d"',
  ]);
  assert.deepEqual(told([file("a", "", { size: 0 })], [file("b", "", { size: 0 })]), [
    'the file "a" is missing',
    'the file "b" was added',
  ]);
  assert.deepEqual(told([file("a")], [file("a"), file("b", "a")]), ['the file "b" was added']);
});

test("a folder that is filled or emptied is no difference of its own", () => {
  assert.deepEqual(told([folder("d")], [file("d/x")]), ['the file "d/x" was added']);
  assert.deepEqual(told([file("d/x")], [folder("d")]), ['the file "d/x" is missing']);
  assert.deepEqual(told([file("d")], [file("d/x", "d")]), [
    '"d" is a folder and not a file',
    'the file "d/x" was added',
  ]);
  assert.deepEqual(told([file("d/x")], [link("d", "e")]), [
    '"d" is a link and not a folder',
    'the file "d/x" is missing',
  ]);
});

const sound: Manifest = [file("a"), link("b", "a"), folder("c"), file("d/e"), file("é")];

test("a manifest survives JSON", () => {
  assert.deepEqual(parseManifest(JSON.parse(JSON.stringify(sound)), "here"), sound);
  assert.deepEqual(parseManifest([], "here"), []);
});

const mistakes: readonly (readonly [string, RegExp, unknown])[] = [
  ["MANIFEST_INVALID", /no list/, { 0: file("a") }],
  ["MANIFEST_INVALID", /entry 1: its kind is none of file, link, folder/, [file("a"), null]],
  ["MANIFEST_INVALID", /its kind is none/, [{ ...file("a"), kind: "constructor" }]],
  ["MANIFEST_INVALID", /its sm3 must be 64 digits/, [{ ...file("a"), sm3: "A".repeat(64) }]],
  ["MANIFEST_INVALID", /its sha256 must be 64 digits/, [{ ...file("a"), sha256: `${digest("a")}\n` }]],
  ["MANIFEST_INVALID", /its size must be/, [{ ...file("a"), size: 2 ** 53 }]],
  ["MANIFEST_INVALID", /its executable must be/, [{ ...file("a"), executable: 1 }]],
  ["MANIFEST_INVALID", /has "extra"/, [{ ...file("a"), extra: 1 }]],
  ["MANIFEST_INVALID", /has "__proto__"/, [JSON.parse('{"kind":"folder","path":"a","__proto__":1}')]],
  ["MANIFEST_INVALID", /"..\/a" has the name ".."/, [file("../a")]],
  ["MANIFEST_INVALID", /"a\/..\/b" has the name ".."/, [file("a/../b")]],
  ["MANIFEST_INVALID", /has the name "."/, [file("./a")]],
  ["MANIFEST_INVALID", /empty name/, [file("/a")]],
  ["MANIFEST_INVALID", /empty name/, [file("a/")]],
  ["MANIFEST_INVALID", /empty name/, [file("a//b")]],
  ["MANIFEST_INVALID", /its path must be/, [file("")]],
  ["MANIFEST_INVALID", /backslash/, [file("a\\b")]],
  ["MANIFEST_INVALID", /control character/, [file("a\0b")]],
  ["MANIFEST_INVALID", /not valid Unicode/, [file("a\ud800")]],
  ["MANIFEST_INVALID", /target of "l" has a control/, [link("l", "a\n")]],
  ["MANIFEST_INVALID", /entry 1: "a" stands behind "b"/, [file("b"), file("a")]],
  ["MANIFEST_INVALID", /"a" stands behind "a"/, [file("a"), link("a", "b")]],
  ["MANIFEST_INVALID", /"𝒳" .* behind|"\\u\{ffee\}" stands behind/, [file("𝒳"), file("\uffee")]],
  ["MANIFEST_INVALID", /"a\/b" lies in "a", which is no folder/, [file("a"), file("a/b")]],
  ["MANIFEST_INVALID", /"a\/b\/c" lies in "a", which is no folder/, [link("a", "b"), file("a/b/c")]],
  ["MANIFEST_INVALID", /lies in "a", which is an empty folder/, [folder("a"), file("a/b")]],
  ["NAME_COLLISION", /"A" and "a"/, [file("A"), file("a")]],
  ["NAME_COLLISION", /"A" and "a"/, [file("A/x"), file("a/y")]],
  ["NAME_COLLISION", /"STRASSE" and "straße"/, [file("STRASSE"), file("straße")]],
  ["LINK_REFUSED", /leads out of it/, [link("a", "../b")]],
  ["LINK_REFUSED", /leads out of it/, [link("a", "C:/b")]],
  ["LINK_REFUSED", /round in a circle/, [link("a", "a")]],
  ["LINK_REFUSED", /round in a circle/, linkChain(41)],
  ["LINK_REFUSED", /leads out of it/, [link("a", "x/".repeat(2000))]],
  ["MANIFEST_INVALID", /has 129 names, more than 128/, [file(`${"d/".repeat(128)}f`)]],
  ["MANIFEST_INVALID", /is longer than 4096 bytes/, [file("é".repeat(2049))]],
  ["MANIFEST_INVALID", /the target of "l" is longer than 4096 bytes/, [link("l", "d/".repeat(500_000))]],
];

/** Each leads to the next, the last to nothing. */
function linkChain(count: number) {
  return Array.from({ length: count }, (_, i) => link(numbered(i), numbered(i + 1)));
}

function numbered(i: number): string {
  return `l${String(i).padStart(6, "0")}`;
}

test("as many links in a row as a system follows, and many that lead through them", () => {
  const chain = linkChain(40);
  assert.deepEqual(parseManifest(chain, "here"), chain);
  // Of which each target is long: walked again for each link that leads through, they would take hours.
  const long = linkChain(20_000).map(({ path, target }, i) =>
    i < 38 ? link(path, `${"./".repeat(2000)}${target}`) : link(path, i === 38 ? "x" : numbered(1)),
  );
  assert.equal(parseManifest(long, "here").length, 20_000);
});

test("what no folder could have is refused", () => {
  for (const [code, message, value] of mistakes) {
    assert.throws(() => parseManifest(value, "here"), { code, message }, JSON.stringify(value));
  }
});

test("whatever is given, it is taken or refused by a code", () => {
  const random = createRandom(9);
  const text = JSON.stringify(sound);
  const pieces = ['"', "{", "[", "]", "}", ",", "..", "/", "9", "null", "\\u0000", "é", "-", '"kind":"link"'];
  let parsed = 0;
  for (let i = 0; i < 3000; i++) {
    const at = random.integer(text.length);
    const changed =
      text.slice(0, at) + pieces[random.integer(pieces.length)]! + text.slice(at + random.integer(4));
    let value: unknown;
    try {
      value = JSON.parse(changed);
    } catch {
      continue;
    }
    parsed++;
    try {
      manifestRoots(parseManifest(value, "here"));
    } catch (thrown) {
      assert.ok(thrown instanceof CupelError, `${changed}: ${thrown}`);
      assert.notEqual(thrown.code, "INTERNAL");
    }
  }
  assert.ok(parsed > 300, `${parsed} were JSON`);
});
