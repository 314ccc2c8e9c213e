/**
 * From a signer's certificate to one that is trusted (RFC 5280 section 6, without names and policies, whose limits are
 * refused and not disregarded). Nothing is fetched, so nothing revoked is known: a policy names what it no longer trusts.
 *
 * When a model was signed is not known. So, as in the reference implementation of OMS, all certificates must have been
 * valid when the signer's began, and a signature stays valid when they end.
 */
import { hash, X509Certificate } from "node:crypto";
import { reasonOf } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { shown } from "../manifest/check-manifest.ts";
import { type CertificateFacts, certificateFacts } from "./certificate-facts.ts";
import { readPem } from "./read-pem.ts";

/** Authorities between the signer and one that is trusted. */
const mostBetween = 8;

const codeSigning: readonly string[] = ["1.3.6.1.5.5.7.3.3", "2.5.29.37.0"];

/**
 * @param source a path, or PEM; one certificate or more, in their order
 * @throws SIGNING_KEY_UNREADABLE, SIGNING_KEY_INVALID
 */
export async function openCertificates(source: string | Uint8Array): Promise<readonly X509Certificate[]> {
  const { where, blocks } = await readPem(source, "SIGNING_KEY_UNREADABLE");
  const fault = (reason: string, cause?: unknown) =>
    attestErrors.error("SIGNING_KEY_INVALID", `The certificate in ${where} cannot be used: ${reason}.`, {
      cause,
      details: { reason },
    });
  const found = blocks.filter(({ label }) => label === "CERTIFICATE");
  if (found.length === 0) throw fault("it has no certificate in PEM");
  return found.map(({ text }) => {
    try {
      return new X509Certificate(text);
    } catch (thrown) {
      throw fault(reasonOf(thrown), thrown);
    }
  });
}

/**
 * @param leaf of the signer. MUST NOT be believed before this returned
 * @param others that may stand in between, of unknown origin and in any order
 * @param trusted authorities, or signers' own certificates
 * @param where the signature is from, for messages
 * @throws SIGNER_UNKNOWN, SIGNER_CERTIFICATE_INVALID where a chain would be there but one in it is not fit
 */
export function verifyCertificateChain(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
  where: string,
): void {
  assertForSigning(leaf, where);
  const time = leaf.validFromDate;
  let fault: Error | null = null;
  // Breadth first, and each certificate once: many that could all stand behind each other cost no more than they are.
  const waiting = [{ certificate: leaf, between: 0 }];
  const seen = new Set([leaf.fingerprint256]);
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { certificate, between } = next;
    if (trusted.some((each) => each.raw.equals(certificate.raw))) return;
    for (const issuer of between > mostBetween ? [] : [...trusted, ...others]) {
      if (seen.has(issuer.fingerprint256) || !isSignedBy(certificate, issuer)) continue;
      const unfitness = issuerFault(issuer, between, time);
      if (unfitness !== null) fault ??= unfit(where, issuer, unfitness);
      else waiting.push({ certificate: issuer, between: between + 1 });
      seen.add(issuer.fingerprint256);
    }
  }
  if (fault !== null) throw fault;
  throw attestErrors.error(
    "SIGNER_UNKNOWN",
    `The signature in ${where} is by ${shown(subjectOf(leaf))}, which none of the certificates that are trusted stands behind. Give the certificate of its authority.`,
    { details: { subject: subjectOf(leaf), issuer: leaf.issuer, fingerprint: fingerprintOf(leaf) } },
  );
}

/** @throws SIGNER_CERTIFICATE_INVALID */
export function assertForSigning(leaf: X509Certificate, where: string): void {
  const reason = signerFault(leaf);
  if (reason !== null) throw unfit(where, leaf, reason);
}

/** Names first: a signature costs more. */
function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  if (certificate.issuer !== issuer.subject) return false;
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // A key of another kind than the signature's.
    return false;
  }
}

/** Completes "the certificate of ... ". */
function signerFault(leaf: X509Certificate): string | null {
  const facts = certificateFacts(leaf);
  const reason = factsFault(facts);
  if (reason !== null) return reason;
  // Purposes of Extended Key Usage; node:crypto calls them so.
  const purposes = leaf.keyUsage;
  const isForSigning = facts?.keyUsage?.digitalSignature ?? purposes !== undefined;
  const isForCode = purposes?.some((each) => codeSigning.includes(each)) ?? true;
  return isForSigning && isForCode ? null : "is not for signing (key usage, extended key usage)";
}

function issuerFault(issuer: X509Certificate, between: number, time: Date): string | null {
  const facts = certificateFacts(issuer);
  const reason = factsFault(facts);
  if (reason !== null) return reason;
  if (facts?.keyUsage?.keyCertSign === false) return "is not for signing certificates";
  if (!issuer.ca) return "is not that of an authority";
  const most = facts?.pathLength ?? null;
  if (most !== null && between > most) return `allows ${most} authorities below it, and there are ${between}`;
  if (time < issuer.validFromDate || time > issuer.validToDate) {
    return `was not valid at ${time.toISOString()}, when that of the signer began`;
  }
  return null;
}

function factsFault(facts: CertificateFacts | null): string | null {
  if (facts === null) return "has extensions that cannot be read";
  if (facts.unheeded.length > 0)
    return `has limits that are not verified here (${facts.unheeded.join(", ")})`;
  return null;
}

function unfit(where: string, certificate: X509Certificate, reason: string) {
  return attestErrors.error(
    "SIGNER_CERTIFICATE_INVALID",
    `The signature in ${where} cannot be trusted: the certificate of ${shown(subjectOf(certificate))} ${reason}.`,
    { details: { subject: subjectOf(certificate), fingerprint: fingerprintOf(certificate), reason } },
  );
}

/** SHA-256 of the DER, in lower-case hex. */
export function fingerprintOf({ raw }: X509Certificate): string {
  return hash("sha256", raw);
}

/** On one line. Empty where the certificate names nobody: node:crypto then has none. */
export function subjectOf(certificate: X509Certificate): string {
  const subject: string | undefined = certificate.subject;
  return subject?.replaceAll("\n", ", ") ?? "";
}
