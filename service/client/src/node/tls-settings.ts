/** The certificates of the options as Node's TLS takes them. */
import type { SecureContextOptions } from "node:tls";
import type { TlsOptions } from "../faces/platform.ts";

export function tlsSettings(tls: TlsOptions): SecureContextOptions {
  const given = Object.entries({ ca: tls.ca, cert: tls.cert, key: tls.key }).filter(
    ([, value]) => value !== undefined,
  );
  return Object.fromEntries(
    given.map(([name, value]) => [name, typeof value === "string" ? value : Buffer.from(value ?? [])]),
  );
}
