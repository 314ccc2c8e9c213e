/** Damaged bundles, and what none of them may be: verified by a key or an authority that signed something else. */
import assert from "node:assert/strict";
import { hash, type X509Certificate } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openCertificates, openSigningKey, openVerificationKey } from "@cupel/attest";
import { formatStatement, parseStatement } from "../../trust/attest/src/oms/statement.ts";
import { type Bundle, formatBundle, parseBundle } from "../../trust/attest/src/signature/bundle.ts";
import { verifyCertificateChain } from "../../trust/attest/src/signature/certificate-chain.ts";
import { preAuthEncoding, verifyEnvelope } from "../../trust/attest/src/signature/dsse.ts";
import { verificationKeyOf } from "../../trust/attest/src/signature/signing-key.ts";
import { attempt } from "./outcome.ts";

const corpus = join(import.meta.dirname, "corpus/bundle");
const inCorpus = (name: string) => readFileSync(join(corpus, name));
const where = "the bundle";

const key = await openVerificationKey(inCorpus("key.pem"));
const [root] = await openCertificates(inCorpus("certificates.pem"));
const whole = globSync("*.json", { cwd: corpus }).map((name) => parseBundle(inCorpus(name), name));
/** What was signed, by whichever of the keys. */
const signed = new Set(whole.map(signedDigest));
const certificates = new Set(whole.flatMap(certificatesOf).map(({ fingerprint256 }) => fingerprint256));

export async function runBundle(bytes: Uint8Array): Promise<void> {
  await attempt(() => openSigningKey(bytes, "passphrase"));
  const verifier = await attempt(() => openVerificationKey(bytes));
  verifier?.verify(bytes, bytes.subarray(0, 72));
  for (const each of (await attempt(() => openCertificates(bytes))) ?? []) await tryChain([each]);

  const bundle = parseBundle(bytes, where);
  if (await isAccepted(() => verifyEnvelope(bundle.envelope, key, where))) {
    assert.ok(signed.has(signedDigest(bundle)), "the key verifies what it did not sign");
  }
  await tryChain(certificatesOf(bundle));
  const [signer] = certificatesOf(bundle);
  const theirs = signer && (await attempt(() => verificationKeyOf(signer.publicKey, where)));
  if (theirs) await attempt(() => verifyEnvelope(bundle.envelope, theirs, where));
  if (bundle.material.kind !== "certificate") {
    const again = parseBundle(formatBundle(bundle.material, bundle.envelope), where);
    assert.equal(signedDigest(again), signedDigest(bundle));
  }
  const statement = await attempt(() => parseStatement(bundle.envelope.payload, where));
  if (statement !== null) assert.deepEqual(parseStatement(formatStatement(statement), where), statement);
}

async function tryChain([signer, ...others]: readonly X509Certificate[]): Promise<void> {
  if (signer === undefined || root === undefined) return;
  if (await isAccepted(() => verifyCertificateChain(signer, others, [root], where))) {
    assert.ok(certificates.has(signer.fingerprint256), "the authority stands behind what it did not sign");
  }
}

async function isAccepted(verify: () => void): Promise<boolean> {
  return (await attempt(() => [verify()])) !== null;
}

function signedDigest({ envelope }: Bundle): string {
  return hash("sha256", preAuthEncoding(envelope.payloadType, envelope.payload));
}

function certificatesOf({ material }: Bundle): readonly X509Certificate[] {
  if (material.kind === "certificate") return [material.certificate];
  return material.kind === "certificateChain" ? material.certificates : [];
}
