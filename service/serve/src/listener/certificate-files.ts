/**
 * The certificate of a server, read from files that somebody renews: they are looked at again from time to time, which
 * sees a rename, a new target of a link and a file written in place alike, as watching does not.
 */
import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { serveErrors } from "../errors.ts";

export interface CertificateFiles {
  /** Path of the certificate, PEM, with the certificates between it and the root. */
  readonly certificate: string;
  /** Path of its private key, PEM. */
  readonly key: string;
  /** Path of the authorities that sign clients' certificates, PEM. Default: clients are asked for none. */
  readonly clientAuthority?: string | undefined;
}

export interface Certificate {
  readonly options: Readonly<Pick<SecureContextOptions, "cert" | "key" | "ca">>;
  /** Of all files together: another one when any of them changed. */
  readonly digest: string;
}

/** @throws CERTIFICATE_INVALID where a file cannot be read or the key is not the certificate's */
export async function readCertificate(files: CertificateFiles): Promise<Certificate> {
  try {
    const { certificate, key, clientAuthority } = files;
    const [cert, privateKey, ca] = await Promise.all([
      readFile(certificate),
      readFile(key),
      clientAuthority === undefined ? undefined : readFile(clientAuthority),
    ]);
    const options = { cert, key: privateKey, ...(ca === undefined ? {} : { ca }) };
    createSecureContext(options);
    return {
      options,
      digest: hash("sha256", Buffer.concat([cert, privateKey, ca ?? Buffer.alloc(0)]), "hex"),
    };
  } catch (thrown) {
    throw serveErrors.error(
      "CERTIFICATE_INVALID",
      `The certificate ${files.certificate} cannot be used with the key ${files.key}${
        files.clientAuthority === undefined ? "" : ` and the authority ${files.clientAuthority}`
      }. Give PEM files that belong together.`,
      { cause: thrown, details: { ...files } },
    );
  }
}
