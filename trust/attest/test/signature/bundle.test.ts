/** Who signed is known by a chain of certificates or by a key, and a bundle says which: what is unfit, or not exactly one, is refused by name. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBundle } from "../../src/signature/bundle.ts";
import { verifyCertificateChain } from "../../src/signature/certificate-chain.ts";
import {
  type CertificateOptions,
  type Issued,
  issue,
  serverAuthentication,
} from "../support/certificates.ts";

const root = issue({ ca: true, name: "Root" });
const middle = issue({ ca: true, name: "Middle", by: root });
const leaf = issue({ by: middle });

/** Against the root, unless told. */
function verifyChain(signer: Issued, others: readonly Issued[], trusted: readonly Issued[] = [root]): void {
  const [between, anchors] = [others, trusted].map((each) => each.map(({ certificate }) => certificate));
  verifyCertificateChain(signer.certificate, between!, anchors!, "a test");
}

test("a chain leads from the signer to what is trusted, in any order and with any more", () => {
  const stranger = issue({ ca: true, name: "Stranger" });
  verifyChain(leaf, [middle]);
  verifyChain(leaf, [root, stranger, middle], [stranger, root]);
  verifyChain(leaf, [], [middle]);
  verifyChain(leaf, [], [leaf]);
  const own = issue();
  verifyChain(own, [], [own]);
  // When the signer's certificate began all were valid; that they have ended since is no matter.
  const past = issue({ ca: true, name: "Past", years: [2019, 2023] });
  verifyChain(issue({ by: past, years: [2020, 2021] }), [], [past]);
  verifyChain(issue({ by: middle, usage: null }), [middle]);
  verifyChain(issue({ by: middle, purposes: [] }), [middle]);
  const narrow = issue({ ca: true, name: "Narrow", by: root, pathLength: 0 });
  verifyChain(issue({ by: narrow }), [narrow]);
});

test("who is not led to is unknown, and who is not fit is told why", () => {
  const twin = issue({ ca: true, name: "Root" });
  const own = issue();
  const unknown: [Issued, Issued[], Issued[]?][] = [
    [leaf, []],
    [leaf, [middle], []],
    [leaf, [middle], [twin]],
    [leaf, [middle, twin], [issue({ ca: true, name: "Middle" })]],
    // A root that the bundle brings itself is none.
    [own, [own]],
    [issue({ by: twin }), [twin]],
  ];
  for (const each of unknown) assert.throws(() => verifyChain(...each), { code: "SIGNER_UNKNOWN" });

  const authority = (options: CertificateOptions) =>
    issue({ ca: true, name: "Between", by: root, ...options });
  const below = (options: CertificateOptions): [Issued, Issued[]] => {
    const between = authority(options);
    return [issue({ by: between }), [between]];
  };
  const narrow = authority({ pathLength: 0 });
  const under = issue({ ca: true, name: "Under", by: narrow });
  const unfit: [RegExp, Issued, Issued[]][] = [
    [/not that of an authority/, ...below({ ca: false, usage: ["keyCertSign"] })],
    [/not that of an authority/, ...below({ ca: null, usage: null })],
    [/not for signing certificates/, ...below({ usage: ["digitalSignature"] })],
    [/was not valid at 2020/, ...below({ years: [2010, 2019] })],
    [/was not valid at 2020/, ...below({ years: [2030, 2040] })],
    [/allows 0 authorities below it, and there are 1/, issue({ by: under }), [under, narrow]],
    // Constraints on names; and one that nobody knows.
    [/limits that are not verified here/, ...below({ extension: "551d1e" })],
    [/limits that are not verified here/, ...below({ extension: "2a0304" })],
    [/limits that are not verified here/, issue({ by: middle, extension: "2a0304" }), [middle]],
    [/not for signing/, issue({ by: middle, usage: ["keyCertSign"] }), [middle]],
    [/not for signing/, issue({ by: middle, purposes: [serverAuthentication] }), [middle]],
    [/not for signing/, issue({ by: middle, usage: null, purposes: [] }), [middle]],
    // One that signs certificates for others is no signer that happens to be trusted.
    [/not for signing/, root, []],
  ];
  for (const [reason, signer, others] of unfit) {
    const error = { code: "SIGNER_CERTIFICATE_INVALID", message: reason };
    assert.throws(() => verifyChain(signer, others), error);
  }
});

test("certificates that all stand behind each other cost no more than they are", () => {
  // One name and one key: each of 16 was signed by each.
  const first = issue({ ca: true, name: "Ring" });
  const ring = Array.from({ length: 16 }, () => issue({ ca: true, name: "Ring", by: first, keys: first }));
  assert.throws(() => verifyChain(issue({ by: first }), ring), { code: "SIGNER_UNKNOWN" });
});

const envelope = {
  payload: "e30=",
  payloadType: "application/vnd.in-toto+json",
  signatures: [{ sig: "AA==", keyid: "" }],
};
const rawBytes = leaf.certificate.raw.toString("base64");
const mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";
const publicKey = { hint: "aa" };

test("a bundle is read only when it is exactly one signature by one kind of signer", () => {
  const read = (bundle: unknown) => parseBundle(Buffer.from(JSON.stringify(bundle)), "a test");
  const good = { mediaType, verificationMaterial: { publicKey }, dsseEnvelope: envelope };
  assert.deepEqual(read(good).material, { kind: "publicKey", hint: "aa" });
  assert.equal(read(good).envelope.payload.toString(), "{}");
  const material = (verificationMaterial: unknown) => ({ ...good, verificationMaterial });
  const chain = (count: number) => ({ certificates: Array.from({ length: count }, () => ({ rawBytes })) });
  assert.equal(
    read(material({ x509CertificateChain: chain(1), tlogEntries: [] })).material.kind,
    "certificateChain",
  );
  assert.equal(read(material({ certificate: { rawBytes }, tlogEntries: [{}] })).material.kind, "certificate");
  assert.deepEqual(read(material({ publicKey: { rawBytes: "AA==" } })).material, {
    kind: "publicKey",
    hint: null,
  });
  const old = { ...good, mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.3" };
  assert.equal(read(old).material.kind, "publicKey");

  const sealed = (dsseEnvelope: unknown) => ({ ...good, dsseEnvelope });
  const junk = Buffer.concat([leaf.certificate.raw, Buffer.of(0)]).toString("base64");
  const invalid: Record<string, unknown> = {
    "no object": [],
    "no material": { ...good, verificationMaterial: undefined },
    "no envelope": { ...good, dsseEnvelope: undefined },
    "a digest beside the envelope": { ...good, messageSignature: {} },
    "no kind of signer": material({}),
    "two kinds of signer": material({ publicKey, x509CertificateChain: chain(1) }),
    "a key without a hint": material({ publicKey: {} }),
    "no certificate": material({ x509CertificateChain: chain(0) }),
    "too many certificates": material({ x509CertificateChain: chain(17) }),
    "a certificate with more behind it": material({
      x509CertificateChain: { certificates: [{ rawBytes: junk }] },
    }),
    "a certificate that is none": material({ certificate: { rawBytes: "AAAA" }, tlogEntries: [{}] }),
    "keyless without the log": material({ certificate: { rawBytes } }),
    "keyless with an empty log": material({ certificate: { rawBytes }, tlogEntries: [] }),
    "entries that are none": material({ publicKey, tlogEntries: [1] }),
    "no signature": sealed({ ...envelope, signatures: [] }),
    "two signatures": sealed({ ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] }),
    "an empty payload": sealed({ ...envelope, payload: "" }),
    "base64 without padding": sealed({ ...envelope, payload: "e30" }),
    "base64 with bits left over": sealed({ ...envelope, payload: "e31=" }),
    "base64 for URLs": sealed({ ...envelope, signatures: [{ sig: "_w==" }] }),
    "a keyid that is no text": sealed({ ...envelope, signatures: [{ sig: "AA==", keyid: 1 }] }),
    "a member that nobody knows": sealed({ ...envelope, more: 1 }),
  };
  for (const [name, bundle] of Object.entries(invalid)) {
    assert.throws(() => read(bundle), { code: "BUNDLE_INVALID" }, name);
  }
  for (const type of ["application/json", "application/vnd.dev.sigstore.bundle+json;version=0.2"]) {
    assert.throws(() => read({ ...good, mediaType: type }), { code: "BUNDLE_UNSUPPORTED" });
  }
  for (const bytes of ["", "{", "\ufeff{}", "\xff"]) {
    assert.throws(() => parseBundle(Buffer.from(bytes, "latin1"), "a test"), { code: "BUNDLE_INVALID" });
  }
  assert.throws(() => parseBundle(Buffer.from('{"__proto__":{"mediaType":1}}'), "a test"), {
    code: "BUNDLE_INVALID",
  });
  const nested = Buffer.from(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
  assert.throws(() => parseBundle(nested, "a test"), { code: "BUNDLE_INVALID" });
});
