/**
 * The reference implementation of OpenSSF Model Signing verifies our models, and we verify its: by key and by certificate, on
 * three curves; what was changed is refused by both. Then its published bundles, and Sigstore's conformance cases, with the
 * trusted root that comes with it. `node tools/conformance/model-signing.ts`; needs openssl, and
 * `pip install model-signing pyOpenSSL` in the Python that CUPEL_PYTHON names.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  type ModelTrust,
  openCertificates,
  openSigningKey,
  openVerificationKey,
  signModel,
  verifyModel,
} from "@cupel/attest";
import { openTemporaryFolder, reasonOf } from "@cupel/base";
import { hasPackage, python, skip } from "./run-tool.ts";

if (!hasPackage("model_signing")) skip("model-signing", "CUPEL_PYTHON has no model-signing");

await using folder = await openTemporaryFolder("model-signing");
const at = (...names: string[]) => join(folder.path, ...names);

interface Outcome {
  readonly isRight: boolean;
  readonly said: string;
}
let passed = 0;
let tried = 0;
function expect(name: string, { isRight, said }: Outcome): void {
  tried++;
  if (isRight) passed++;
  console.log(`${isRight ? "ok  " : "FAIL"} ${name}${isRight ? "" : `\n${said}`}`);
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { cwd: folder.path, encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}

/** The reference's command. */
function reference(...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(python, ["-m", "model_signing", ...args], {
    encoding: "utf8",
  });
  return { isRight: status === 0, said: stdout + stderr };
}
const refused = ({ isRight, said }: Outcome): Outcome => ({
  isRight: !isRight && /mismatch/i.test(said),
  said,
});

async function ours(model: string, trust: ModelTrust): Promise<Outcome> {
  try {
    const { differences } = await verifyModel(model, await readFile(join(model, "model.sig")), trust);
    return { isRight: differences.length === 0, said: JSON.stringify(differences) };
  } catch (thrown) {
    return { isRight: false, said: reasonOf(thrown) };
  }
}
async function oursRefuse(model: string, trust: ModelTrust): Promise<Outcome> {
  const { isRight, said } = await ours(model, trust);
  return { isRight: !isRight && said.startsWith("["), said };
}

/** Names in which the order of code points and that of path parts differ, one beyond U+FFFF, and an empty file. */
async function writeModel(model: string): Promise<void> {
  await mkdir(join(model, "a"), { recursive: true });
  await mkdir(join(model, ".git"));
  const names = [
    "a/b",
    "a.b",
    "a-b",
    "\u{10000}",
    "\uffee",
    "with space",
    "with:colon",
    ".git/config",
    ".gitignore",
  ];
  for (const name of names) await writeFile(join(model, name), name.repeat(100));
  await writeFile(join(model, "empty"), "");
}

await writeModel(at("plain"));
await cp(at("plain"), at("linked"), { recursive: true });
await symlink("b", at("linked/a/link"));
const root = [
  "-x509",
  "-newkey",
  "rsa:2048",
  "-nodes",
  "-keyout",
  "ca-key.pem",
  "-out",
  "ca.pem",
  "-days",
  "99",
];
openssl("req", ...root, "-subj", "/CN=root", "-addext", "keyUsage=critical,keyCertSign");
await writeFile(at("signer.cnf"), "keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n");

for (const curve of ["prime256v1", "secp384r1", "secp521r1"]) {
  const key = at(`${curve}.pem`);
  const publicKey = at(`${curve}-public.pem`);
  const certificate = at(`${curve}-certificate.pem`);
  openssl("ecparam", "-name", curve, "-genkey", "-noout", "-out", key);
  openssl("ec", "-in", key, "-pubout", "-out", publicKey);
  openssl("req", "-new", "-key", key, "-subj", `/CN=${curve}`, "-out", "request.pem");
  const by = [
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca-key.pem",
    "-CAcreateserial",
    "-days",
    "98",
    "-extfile",
    "signer.cnf",
  ];
  openssl("x509", "-req", "-in", "request.pem", ...by, "-out", certificate);
  const signer = await openSigningKey(key);
  const modes = {
    key: {
      chain: undefined,
      sign: ["sign", "key"],
      verify: ["verify", "key", "--public_key", publicKey],
      trust: { publicKeys: [await openVerificationKey(publicKey)] },
    },
    certificate: {
      chain: await openCertificates(certificate),
      sign: [
        "sign",
        "certificate",
        "--signing_certificate",
        certificate,
        "--certificate_chain",
        at("ca.pem"),
      ],
      verify: ["verify", "certificate", "--certificate_chain", at("ca.pem")],
      trust: { certificates: await openCertificates(at("ca.pem")) },
    },
  };
  for (const [mode, { chain, sign, verify, trust }] of Object.entries(modes)) {
    for (const kind of ["plain", "linked"]) {
      const model = at(`${curve}-${mode}-${kind}`);
      await cp(at(kind), model, { recursive: true, verbatimSymlinks: true });
      const signature = ["--signature", join(model, "model.sig"), model];
      const links = kind === "linked" ? ["--allow_symlinks"] : [];
      const name = `${curve}, ${mode}, ${kind}`;
      await signModel(model, { key: signer, certificateChain: chain });
      expect(`${name}: it verifies ours`, reference(...verify, ...links, ...signature));
      expect(`${name}: it signs`, reference(...sign, ...links, "--private_key", key, ...signature));
      expect(`${name}: we verify its`, await ours(model, trust));
      await writeFile(join(model, "a/b"), "changed");
      expect(`${name}: we refuse its when a file was changed`, await oursRefuse(model, trust));
      await signModel(model, { key: signer, certificateChain: chain });
      await writeFile(join(model, "a/b"), "changed again");
      expect(
        `${name}: it refuses ours when a file was changed`,
        refused(reference(...verify, ...links, ...signature)),
      );
    }
  }
}

/** Its API signs shards; its command does not. */
const sharded = at("sharded");
await cp(at("plain"), sharded, { recursive: true });
const program = `
import sys, model_signing
folder, key = sys.argv[1:]
hashing = model_signing.hashing.Config().use_shard_serialization(shard_size=300)
hashing.set_ignored_paths(paths=["model.sig", "with:colon"])
signing = model_signing.signing.Config().use_elliptic_key_signer(private_key=key).set_hashing_config(hashing)
signing.sign(folder, folder + "/model.sig")
`;
const made = spawnSync(python, ["-c", program, sharded, at("secp384r1.pem")], { encoding: "utf8" });
expect("shards: it signs", { isRight: made.status === 0, said: made.stderr });
const trust = { publicKeys: [await openVerificationKey(at("secp384r1-public.pem"))] };
expect("shards: we verify its", await ours(sharded, trust));
await writeFile(join(sharded, "a/b"), "changed");
expect("shards: we refuse its when a file was changed", await oursRefuse(sharded, trust));

const where = "import sigstore, os; print(os.path.dirname(sigstore.__file__))";
const sigstore = spawnSync(python, ["-c", where], { encoding: "utf8" }).stdout.trim();
const trustedRoot = join(sigstore, "_store/https%3A%2F%2Ftuf-repo-cdn.sigstore.dev/trusted_root.json");
if (!existsSync(trustedRoot)) {
  console.log(
    "skipped: bundles of Sigstore's production instance: the package sigstore has no trusted_root.json",
  );
} else {
  const cwd = resolve(import.meta.dirname, "../..");
  const env = { ...process.env, CUPEL_TRUSTED_ROOT: trustedRoot };
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--test", "trust/attest/test/oms/suites.test.ts"],
    { cwd, env, encoding: "utf8" },
  );
  const said = stdout + stderr;
  if (/skipped [1-9]/.test(said)) console.log("skipped: published bundles and cases: set CUPEL_SUITES");
  else expect("published bundles, and Sigstore's conformance cases", { isRight: status === 0, said });
  for (const [line] of said.matchAll(/\d+ of \d+ cases.*/g)) console.log(`     ${line}`);
}

console.log(`${passed} of ${tried}`);
process.exitCode = passed === tried ? 0 : 1;
