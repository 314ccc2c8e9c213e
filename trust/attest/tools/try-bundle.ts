/**
 * What is made of a damaged bundle, for `npm run fuzz -- bundle`, and what none of them may be: verified by a key or an
 * authority that signed something else.
 */
import assert from "node:assert/strict";
import { hash, type X509Certificate } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openCertificates, openSigningKey, openVerificationKey } from "../src/index.ts";
import { formatStatement, parseStatement } from "../src/oms/statement.ts";
import { type Bundle, formatBundle, parseBundle } from "../src/signature/bundle.ts";
import { verifyCertificateChain } from "../src/signature/certificate-chain.ts";
import { preAuthEncoding, verifyEnvelope } from "../src/signature/dsse.ts";
import { certificateKeyOf } from "../src/signature/signing-key.ts";

/** Null where the work ended with an error of the tables. */
export type Attempt = <Result>(work: () => Result | Promise<Result>) => Promise<Result | null>;

const where = "the bundle";

/** @param corpus folder of sound bundles, of the key that signed some, and of the certificates of others, the root first */
export async function openBundleTrial(
  corpus: string,
  attempt: Attempt,
): Promise<(bytes: Uint8Array) => Promise<void>> {
  const inCorpus = (name: string) => readFileSync(join(corpus, name));
  const key = await openVerificationKey(inCorpus("key.pem"));
  const [root] = await openCertificates(inCorpus("certificates.pem"));
  const whole = globSync("*.json", { cwd: corpus }).map((name) => parseBundle(inCorpus(name), name));
  /** What was signed, by whichever of the keys. */
  const signed = new Set(whole.map(signedDigest));
  const signers = new Set(whole.flatMap(certificatesOf).map(({ fingerprint256 }) => fingerprint256));
  const isAccepted = async (verify: () => void) => (await attempt(() => [verify()])) !== null;

  async function tryChain([signer, ...others]: readonly X509Certificate[]): Promise<void> {
    if (signer === undefined || root === undefined) return;
    if (await isAccepted(() => verifyCertificateChain(signer, others, [root], where))) {
      assert.ok(signers.has(signer.fingerprint256), "the authority stands behind what it did not sign");
    }
  }

  return async (bytes) => {
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
    const theirs = signer && (await attempt(() => certificateKeyOf(signer, where)));
    if (theirs) await attempt(() => verifyEnvelope(bundle.envelope, theirs, where));
    if (bundle.material.kind !== "certificate") {
      const again = parseBundle(formatBundle(bundle.material, bundle.envelope), where);
      assert.equal(signedDigest(again), signedDigest(bundle));
    }
    const statement = await attempt(() => parseStatement(bundle.envelope.payload, where));
    if (statement !== null) assert.deepEqual(parseStatement(formatStatement(statement), where), statement);
  };
}

function signedDigest({ envelope }: Bundle): string {
  return hash("sha256", preAuthEncoding(envelope.payloadType, envelope.payload));
}

function certificatesOf({ material }: Bundle): readonly X509Certificate[] {
  if (material.kind === "certificate") return [material.certificate];
  return material.kind === "certificateChain" ? material.certificates : [];
}
