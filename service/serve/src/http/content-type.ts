/** Media types: of a body, and which of those on offer a client would rather have (RFC 9110, section 12.5.1). */

/** Without parameters, in lower case; "" where the header is absent. */
export function mediaType(header: string | undefined): string {
  return header?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/**
 * The offer the client likes best; the first where it likes none better, or says nothing. A client that takes none of
 * them is answered with the first, as the RFC allows.
 */
export function preferredType<const Offer extends string>(
  accept: string | undefined,
  offers: readonly [Offer, ...Offer[]],
): Offer {
  if (accept === undefined) return offers[0];
  const ranges = accept.split(",").map((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? "1";
    return { type, quality: Number(quality) || 0 };
  });
  const qualityOf = (offer: string): number => {
    const group = `${offer.split("/", 1)[0]}/*`;
    const names = [offer, group, "*/*"];
    for (const name of names) {
      const range = ranges.find(({ type }) => type === name);
      if (range) return range.quality;
    }
    return 0;
  };
  return offers.reduce((best, offer) => (qualityOf(offer) > qualityOf(best) ? offer : best), offers[0]);
}
