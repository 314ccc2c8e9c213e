/** What TLS there is between a caller and a server, and the certificates of both, as PEM. */
import { makeThrowawayCertificate } from "@cupel/base";

/** Mutual: the server asks its clients for a certificate too. */
export const tlsModes = ["off", "on", "mutual"] as const;
export type TlsMode = (typeof tlsModes)[number];

/** Certificates that a caller is given. */
export interface CallerTls {
  readonly ca: string;
  /** For servers that ask for a certificate ("mutual"). */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Certificates that a server is given. */
export interface ServerTls {
  readonly certificate: string;
  readonly key: string;
  /** Of the authority that signs clients' certificates; null: clients are asked for none. */
  readonly clientAuthority: string | null;
}

/** One leaf that the authority itself signed, over P-256: public ones have one or two certificates more, 2 to 4 KB. */
export function makeTls(
  mode: Exclude<TlsMode, "off">,
  address: string,
): { readonly server: ServerTls; readonly caller: CallerTls } {
  const authority = makeThrowawayCertificate("An authority");
  const { certificate, key } = makeThrowawayCertificate("A server", authority, address);
  const isMutual = mode === "mutual";
  const client = isMutual ? makeThrowawayCertificate("A client", authority) : null;
  return {
    server: { certificate, key, clientAuthority: isMutual ? authority.certificate : null },
    caller: { ca: authority.certificate, cert: client?.certificate, key: client?.key },
  };
}
