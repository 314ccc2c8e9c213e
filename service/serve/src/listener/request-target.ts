/**
 * What Node's parser lets through and RFC 9112 (HTTP/1.1) has an opinion on: a target with scheme and authority, which a
 * server MUST accept (section 3.2.2), and more than one Host or none, which it MUST refuse (section 3.2).
 */
import type { IncomingMessage } from "node:http";

const absoluteForm = /^https?:\/\/[^/?#]*/i;

/** "/v2" for "http://host:80/v2"; a target in any other form as it is. */
export function originForm(target: string): string {
  if (target.startsWith("/")) return target;
  const rest = target.replace(absoluteForm, "");
  return rest.startsWith("?") || rest === "" ? `/${rest}` : rest;
}

/** HTTP/1.0 needs none. */
export function hasOneHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === "host") hosts++;
  }
  return hosts === 1 || (hosts === 0 && httpVersion === "1.0");
}
