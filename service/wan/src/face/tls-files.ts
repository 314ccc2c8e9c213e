/** Certificates that a caller is given, as PEM. */
export interface CallerTls {
  readonly ca: string;
  /** For servers that ask for a certificate ("mutual"). */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}
