/** A time-stamping authority made by the openssl program: a root, one between, and certificates that stamp. */
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openTemporaryFolder } from "@cupel/base";

const isThere = spawnSync("openssl", ["version"]).status === 0;
/** Of a test's options. */
export const skipWithoutOpenssl = isThere ? false : "openssl is not there";

const config = `
[tsa]
default_tsa = t
[t]
serial = SERIAL
default_policy = 1.2.3.4.1
digests = sha256, sha512
signer_digest = sha256
accuracy = secs:1, millisecs:500, microsecs:100
ess_cert_id_alg = sha256
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[stamps]
extendedKeyUsage = critical, timeStamping
[uncritical]
extendedKeyUsage = timeStamping
[server]
extendedKeyUsage = critical, serverAuth
[both]
extendedKeyUsage = critical, timeStamping, serverAuth
`;

export interface Authority extends AsyncDisposable {
  certificate(name: string): X509Certificate;
  /** A key and a certificate by another name's. */
  issue(name: string, issuer: string, usage: string, key?: string): void;
  /** @returns application/timestamp-reply. @param flags of `openssl ts -reply` */
  reply(signer: string, query: Uint8Array, flags?: readonly string[]): Buffer;
  /** Of a file, by `openssl ts -query`. */
  query(data: string): Buffer;
  /** What `openssl ts -verify` says. */
  verify(reply: Uint8Array, digest: Buffer, root: string): boolean;
}

export async function openAuthority(): Promise<Authority> {
  const folder = await openTemporaryFolder("tsa");
  const at = (name: string) => join(folder.path, name);
  const openssl = (...args: string[]) => {
    const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8", cwd: folder.path });
    if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
  };
  const newKey = (key: string) =>
    key === "rsa" ? ["-newkey", "rsa:2048"] : ["-newkey", "ec", "-pkeyopt", `ec_paramgen_curve:${key}`];
  writeFileSync(at("config"), config.replace("SERIAL", at("serial")));
  writeFileSync(at("serial"), "01\n");
  for (const root of ["root", "other"]) {
    openssl(
      ...["req", "-x509", ...newKey("P-256"), "-nodes", "-keyout", `${root}.key`, "-out", `${root}.pem`],
      ...["-subj", `/CN=${root}`, "-days", "10", "-addext", "keyUsage=critical,keyCertSign"],
    );
  }
  return {
    certificate: (name) => new X509Certificate(readFileSync(at(`${name}.pem`))),
    issue(name, issuer, usage, key = "P-256") {
      openssl(
        ...["req", "-new", ...newKey(key), "-nodes", "-keyout", `${name}.key`, "-out", `${name}.csr`],
        ...["-subj", `/CN=${name}`],
      );
      openssl(
        ...["x509", "-req", "-in", `${name}.csr`, "-CA", `${issuer}.pem`, "-CAkey", `${issuer}.key`],
        ...[
          "-CAcreateserial",
          "-out",
          `${name}.pem`,
          "-days",
          "5",
          "-extfile",
          "config",
          "-extensions",
          usage,
        ],
      );
    },
    reply(signer, query, flags = []) {
      writeFileSync(at("query"), query);
      openssl(
        ...["ts", "-reply", "-config", "config", "-queryfile", "query", "-out", "reply"],
        ...["-signer", `${signer}.pem`, "-inkey", `${signer}.key`, ...flags],
      );
      return readFileSync(at("reply"));
    },
    query(data) {
      writeFileSync(at("data"), data);
      openssl("ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query");
      return readFileSync(at("query"));
    },
    verify(reply, digest, root) {
      writeFileSync(at("reply"), reply);
      const args = ["-in", "reply", "-digest", digest.toString("hex"), "-CAfile", `${root}.pem`];
      return spawnSync("openssl", ["ts", "-verify", ...args], { cwd: folder.path }).status === 0;
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
