/**
 * From a certificate for time stamps to an authority that is trusted. Names of policies and limits on the length of a
 * chain are not looked at: the caller names the authority, and a chain has few links.
 */
import type { X509Certificate } from "node:crypto";
import { auditErrors } from "../errors.ts";
import { childrenOf, contextTag, DerError, derTags, readDer, readOid } from "./der.ts";

const TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
const EXTENDED_KEY_USAGE = "2.5.29.37";
/** Between the signer and the authority. */
const MOST_LINKS = 5;

/**
 * @param leaf MUST have been checked to be whose signature it is
 * @param others that may stand in between; of unknown origin
 * @param time at which all must be valid
 * @throws DerError where a certificate is unfit, KEY_UNKNOWN where none of the authorities stands at the end
 */
export function assertChain(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  time: Date,
): void {
  assertForTimeStamps(leaf);
  let certificate = leaf;
  for (let links = 0; links <= MOST_LINKS; links++) {
    assertValidAt(certificate, time);
    const subject = certificate;
    const anchor = authorities.find((each) => isIssuedBy(subject, each));
    if (anchor !== undefined) {
      assertValidAt(anchor, time);
      return;
    }
    const issuer = others.find((each) => each !== subject && isIssuedBy(subject, each));
    if (issuer === undefined) break;
    certificate = issuer;
  }
  throw auditErrors.error(
    "KEY_UNKNOWN",
    `The time stamp was signed by "${nameOf(leaf)}", which none of the authorities that are trusted here stands behind. Give the certificate of its authority.`,
    { details: { subject: leaf.subject, issuer: certificate.issuer } },
  );
}

function isIssuedBy(subject: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
}

function assertValidAt(certificate: X509Certificate, time: Date): void {
  const { validFromDate, validToDate } = certificate;
  if (validFromDate <= time && time <= validToDate) return;
  throw new DerError(
    `the certificate of "${nameOf(certificate)}" was not valid at ${time.toISOString()}, the time that it states`,
  );
}

/** RFC 3161 section 2.3: time stamps and nothing else, and marked critical. */
function assertForTimeStamps(certificate: X509Certificate): void {
  const [body] = childrenOf(readDer(certificate.raw), derTags.sequence);
  const wrapped = childrenOf(body, derTags.sequence).find(({ tag }) => tag === contextTag(3));
  const [list] = wrapped === undefined ? [] : childrenOf(wrapped, contextTag(3));
  const extensions = list === undefined ? [] : childrenOf(list, derTags.sequence);
  const isFit = extensions.some((extension) => {
    const [name, critical, value] = childrenOf(extension, derTags.sequence);
    if (readOid(name) !== EXTENDED_KEY_USAGE || critical?.tag !== derTags.boolean) return false;
    const usages = value === undefined ? [] : childrenOf(readDer(value.content), derTags.sequence);
    return usages.length === 1 && readOid(usages[0]) === TIME_STAMPING;
  });
  if (!isFit)
    throw new DerError(`the certificate of "${nameOf(certificate)}" is not one for time stamps only`);
}

function nameOf({ subject }: X509Certificate): string {
  return subject.replaceAll("\n", ", ");
}
