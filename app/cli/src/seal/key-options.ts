/** How `seal` and `verify` are told of keys and certificates. A passphrase never stands on a command line, where others see it. */
import { realpath } from "node:fs/promises";
import { sep } from "node:path";
import {
  type KeylessTrust,
  openCertificates,
  openSigningKey,
  openVerificationKey,
  type SealTrust,
  type SigningKey,
} from "@cupel/attest";
import { CupelError, reasonOf } from "@cupel/base";
import { invalid, repeated, text } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import { filesOption, readGiven } from "../audit/note-keys.ts";
import type { CommandContext } from "../commands/command.ts";

/** Of an encrypted key. */
const passphraseVariable = "CUPEL_KEY_PASSPHRASE";

export const signingOptions = {
  keys: filesOption(
    "key",
    "A private key in PEM that signs: ECDSA (P-256, P-384, P-521), Ed25519, ML-DSA or SM2; repeatable, at most one of ECDSA, which also signs model.sig",
  ),
  certificates: text({
    name: "certificate",
    placeholder: "FILE",
    summary:
      "Certificates in PEM for the ECDSA key, the signer's first: model.sig then carries them, and whoever trusts their authority verifies it",
  }),
  passphrase: text({
    name: "passphrase-file",
    placeholder: "FILE",
    summary: "The passphrase of an encrypted key, on the first line",
    fallback: `the environment variable ${passphraseVariable}`,
  }),
};

export const trustOptions = {
  keys: filesOption("key", "A public key in PEM that is trusted; repeatable"),
  certificates: filesOption(
    "certificate",
    "Certificates in PEM of authorities, or of signers, that are trusted; repeatable",
  ),
  roots: repeated(
    {
      name: "root",
      placeholder: "HEX",
      summary: "The root of a tree, by SHA-256 or SM3, that is trusted whoever signed; repeatable",
    },
    "64 digits of hex",
    (given) => (/^[0-9a-f]{64}$/i.test(given) ? given.toLowerCase() : undefined),
  ),
  trustedRoot: text({
    name: "trusted-root",
    placeholder: "FILE",
    summary:
      "For a keyless model.sig of others: the trusted_root.json of its Sigstore, with --identity and --issuer",
  }),
  identity: text({ name: "identity", placeholder: "ID", summary: "Who signed keyless, such as an address" }),
  issuer: text({ name: "issuer", placeholder: "URL", summary: "Who vouches for that identity" }),
};

/**
 * @param folder to be sealed; no key may lie in it
 * @throws OPTION_INVALID, FILE_UNREADABLE, and what `openSigningKey` throws
 */
export async function readSigningKeys(
  given: Given,
  folder: string,
  { remark }: Pick<CommandContext, "remark">,
): Promise<SigningKey[]> {
  const passphrase = await givenPassphrase(given);
  const keys: SigningKey[] = [];
  for (const file of given.get(signingOptions.keys)) {
    await refuseInside(file, folder);
    try {
      keys.push(await openSigningKey(file, passphrase));
    } catch (thrown) {
      if (passphrase === undefined && thrown instanceof CupelError && /encrypted/.test(thrown.message)) {
        remark(`Give its passphrase with --passphrase-file, or in ${passphraseVariable}.`);
      }
      throw thrown;
    }
  }
  return keys;
}

async function givenPassphrase(given: Given): Promise<string | undefined> {
  const file = given.get(signingOptions.passphrase);
  if (file === undefined) return process.env[passphraseVariable];
  const [line = ""] = (await readGiven("passphrase", file)).toString("utf8").split(/\r?\n/);
  return line;
}

/** Whoever got the folder would get the key. */
async function refuseInside(file: string, folder: string): Promise<void> {
  const [key, sealed] = await Promise.all([file, folder].map((path) => realpath(path).catch(() => path)));
  if (key?.startsWith(`${sealed}${sep}`)) {
    throw invalid(
      "key",
      `lies in ${folder}, which would be sealed and passed on with it. Move ${file} elsewhere`,
    );
  }
}

export interface GivenTrust extends SealTrust {
  readonly keyless: KeylessTrust | undefined;
}

/** @throws OPTION_INVALID where nobody is trusted, FILE_UNREADABLE, and what `openVerificationKey` and `openCertificates` throw */
export async function readTrust(given: Given): Promise<GivenTrust> {
  if (Object.values(trustOptions).every((option) => !given.has(option))) {
    throw invalid("key", "says whom you trust, and is missing: give it, --certificate or --root");
  }
  const certificates = await Promise.all(
    given.get(trustOptions.certificates).map((file) => openCertificates(file)),
  );
  return {
    keys: await Promise.all(given.get(trustOptions.keys).map((file) => openVerificationKey(file))),
    certificates: certificates.flat(),
    roots: given.get(trustOptions.roots),
    keyless: await readKeyless(given),
  };
}

async function readKeyless(given: Given): Promise<KeylessTrust | undefined> {
  const [file, identity, issuer] = [trustOptions.trustedRoot, trustOptions.identity, trustOptions.issuer].map(
    (option) => given.get(option),
  );
  if (file === undefined && identity === undefined && issuer === undefined) return undefined;
  if (file === undefined || identity === undefined || issuer === undefined) {
    throw invalid("trusted-root", "--identity and --issuer belong together: give all three");
  }
  const text = (await readGiven("trusted root", file)).toString("utf8");
  try {
    return { trustedRoot: JSON.parse(text), identity, issuer };
  } catch (thrown) {
    throw invalid("trusted-root", `names ${file}, which is no JSON: ${reasonOf(thrown)}`);
  }
}
