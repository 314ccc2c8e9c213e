/**
 * What a page may do, as its Content-Security-Policy: run its own script, known by its digest, and nothing of anybody else's.
 * Pages that open from disk fetch nothing; that of a server asks the server that it came from, and shows images that its
 * reader chose.
 */
import { own } from "@cupel/base";

export interface PageDigests {
  /** "sha256-..." */
  readonly script: string;
  readonly style: string;
}

/** Styles of charts are written into elements, for which there is no digest. */
const fromDisk = () => ({ "img-src": "data:", "style-src": "'unsafe-inline'" });

const rows: Readonly<Record<string, (digests: PageDigests) => Readonly<Record<string, string>>>> = {
  server: ({ style }) => ({
    "connect-src": "'self'",
    "img-src": "data: blob:",
    "style-src": `'${style}'`,
  }),
};

/** @param name the page's folder in `pages/` */
export function pagePolicy(name: string, digests: PageDigests): string {
  const directives = {
    "default-src": "'none'",
    "script-src": `'${digests.script}'`,
    ...(own(rows, name) ?? fromDisk)(digests),
    "base-uri": "'none'",
    "form-action": "'none'",
  };
  return Object.entries(directives)
    .map((directive) => directive.join(" "))
    .join("; ");
}

/** Of a page as it was rendered, for the header of who sends it. */
export function policyOf(html: string): string {
  const [, policy = ""] = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(html) ?? [];
  return policy;
}
