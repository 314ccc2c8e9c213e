/**
 * Which pages may open a WebSocket. Browsers ask nobody before they connect to another origin (there is no preflight) and
 * do not let a page hide its origin: the server has to look (RFC 6455, section 10.2).
 */
import type { CorsPolicy } from "../operations/cors.ts";

export interface OriginQuestion {
  /** As the browser sent it; undefined where no browser asks: what is no browser can claim any. */
  readonly origin: string | undefined;
  /** The header Host. */
  readonly host: string | undefined;
  /** Whether TLS ends at this server. Where it does not, a proxy may have ended it. */
  readonly isEncrypted: boolean;
}

/** The server's own pages may, and those of origins that may read the answers of the other faces. */
export function isOriginAllowed({ origin, host, isEncrypted }: OriginQuestion, policy: CorsPolicy): boolean {
  if (origin === undefined || policy.origins.includes("*") || policy.origins.includes(origin)) return true;
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: own } = new URL(origin);
  const schemes = isEncrypted ? ["https:"] : ["https:", "http:"];
  // Written as the browser writes it: without the port that its scheme has by itself.
  return (
    schemes.includes(protocol) &&
    URL.canParse(`${protocol}//${host}`) &&
    new URL(`${protocol}//${host}`).host === own
  );
}
