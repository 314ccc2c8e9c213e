/**
 * Material that others published: schemas and vectors of OMS, bundles of model-signing, and Sigstore's conformance cases. Those
 * that Sigstore's production instance made need its trusted_root.json (tools/conformance/model-signing.ts brings it).
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { CupelError, openTemporaryFolder } from "@cupel/base";
import { Ajv2020 } from "ajv/dist/2020.js";
import {
  type ModelTrust,
  openCertificates,
  openVerificationKey,
  signModel,
  verifyModel,
} from "../../src/index.ts";
import { verifyKeyless } from "../../src/keyless/verify-keyless.ts";
import { parseStatement } from "../../src/oms/statement.ts";
import { parseBundle } from "../../src/signature/bundle.ts";
import { isObject, parseJsonBytes } from "../../src/signature/json-members.ts";
import { key, modelFolder, signer } from "../support/signed-model.ts";
import { productionRoot, skipWithoutSuites, suitePath } from "../support/suite.ts";

test("what we sign is of the suite's schemas; its vectors are read, or refused by name", {
  skip: skipWithoutSuites,
}, async () => {
  const read = async (...names: string[]) => readFile(suitePath("oms", ...names));
  const ajv = new Ajv2020({ strict: false });
  const names = ["predicate", "statement", "envelope", "bundle"];
  const schemas = await Promise.all(
    names.map(async (name) => JSON.parse(String(await read("schemas/v1.0", `${name}.schema.json`)))),
  );
  for (const schema of schemas) ajv.addSchema(schema);
  const assertConforms = (name: string, value: unknown) => {
    assert.ok(ajv.validate(`https://model_signing/${name}/v1.0/schema`, value), ajv.errorsText());
  };
  await using folder = await modelFolder();
  for (const certificateChain of [undefined, [signer.certificate]]) {
    const { bundle } = await signModel(folder.path, { key, certificateChain });
    assertConforms("bundle", JSON.parse(String(bundle)));
    assertConforms("statement", JSON.parse(String(parseBundle(bundle, "a test").envelope.payload)));
  }

  const vectors = "test-vectors/v1.0";
  for (const name of await readdir(suitePath("oms", vectors, "valid"))) {
    const { material, envelope } = parseBundle(await read(vectors, "valid", name), name);
    assert.equal(
      material.kind,
      { certificate: "certificateChain", key: "publicKey", sigstore: "certificate" }[name.split(".")[0]!],
    );
    assert.equal(parseStatement(envelope.payload, name).resources.length, 2);
  }
  for (const name of await readdir(suitePath("oms", vectors, "invalid"))) {
    const bytes = await read(vectors, "invalid", name);
    assert.throws(() => parseBundle(bytes, name), { code: "BUNDLE_INVALID" }, name);
  }
  for (const name of await readdir(suitePath("oms", vectors, "invalid-payload"))) {
    const { envelope } = parseBundle(await read(vectors, "invalid-payload", name), name);
    assert.throws(() => parseStatement(envelope.payload, name), { code: "STATEMENT_INVALID" }, name);
  }
});

const publisher = { identity: "stefanb@us.ibm.com", issuer: "https://sigstore.verify.ibm.com/oauth2" };

test("all bundles that model-signing published verify, from 0.3.1 on; 0.2.0 is refused by name", {
  skip: skipWithoutSuites,
}, async (t) => {
  const at = (...names: string[]) => suitePath("oms-bundles", ...names);
  const trustedRoot = productionRoot();
  const publishers: ModelTrust = {
    publicKeys: [await openVerificationKey(at("keys/signing-key-pub.pem"))],
    certificates: await openCertificates(at("keys/ca-cert.pem")),
    keyless: trustedRoot === null ? undefined : { trustedRoot, ...publisher },
  };
  const versions = (await readdir(at())).filter((name) => name.startsWith("v"));
  assert.equal(versions.length, 13);
  for (const version of versions) {
    const bundle = await readFile(at(version, "model.sig"));
    const { resources } = parseStatementOrNone(bundle, version);
    const model = resources.some(({ path }) => path === ".") ? at(version, "signme-1") : at(version);
    // Those before 1.1 do not say that it was left out.
    const verify = () => verifyModel(model, bundle, publishers, { ignore: ["ignore-me"] });
    if (version.startsWith("v0.2")) {
      await assert.rejects(verify, { code: "STATEMENT_UNSUPPORTED" });
    } else if (version.endsWith("sigstore") && trustedRoot === null) {
      await assert.rejects(verify, { code: "SIGNER_UNKNOWN" });
      t.diagnostic(`${version} is not verified: set CUPEL_TRUSTED_ROOT to Sigstore's trusted_root.json`);
    } else {
      assert.deepEqual((await verify()).differences, [], version);
    }
  }
});

function parseStatementOrNone(
  bundle: Buffer,
  version: string,
): { readonly resources: readonly { path: string }[] } {
  const { payload } = parseBundle(bundle, version).envelope;
  return version.startsWith("v0.2") ? { resources: [] } : parseStatement(payload, version);
}

/** Where our verdict is another than the suite's, and why it is right here. */
const exceptions: Readonly<Record<string, { readonly code: string; readonly why: string }>> = {
  "managed-key-happy-path": {
    code: "KEYLESS_REFUSED",
    why: "signed by a key and no certificate: bundles of keys are verified by verifyBundle, and those without an envelope sign no model",
  },
  "managed-key-and-trusted-root": { code: "KEYLESS_REFUSED", why: "as managed-key-happy-path" },
};

/** What the suite's README says where a case does not. */
const defaults = {
  identity:
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main",
  issuer: "https://token.actions.githubusercontent.com",
};

test("Sigstore's conformance cases end as their names say, or as the table says", {
  skip: skipWithoutSuites,
}, async (t) => {
  await using folder = await openTemporaryFolder("sigstore");
  const tar = spawnSync("tar", ["-xzf", suitePath("sigstore-conformance/assets.tar.gz"), "-C", folder.path]);
  assert.equal(tar.status, 0, String(tar.stderr));
  const assets = join(folder.path, "test/assets");
  const cases = (await readdir(join(assets, "bundle-verify"), { withFileTypes: true })).filter((each) =>
    each.isDirectory(),
  );
  assert.equal(cases.length, 70);
  const production = productionRoot();
  const verdicts = new Map<string, string>();
  const rootless: string[] = [];
  for (const { name } of cases) {
    const at = (file: string) => join(assets, "bundle-verify", name, file);
    const text = async (file: string, otherwise: string) =>
      existsSync(at(file)) ? (await readFile(at(file), "utf8")).trim() : otherwise;
    const trustedRoot = existsSync(at("trusted_root.json"))
      ? parseJsonBytes(await readFile(at("trusted_root.json")))
      : production;
    if (trustedRoot === null) {
      rootless.push(name);
      continue;
    }
    const artifact = await readFile(existsSync(at("artifact")) ? at("artifact") : join(assets, "a.txt"));
    const trust = {
      trustedRoot,
      identity: await text("identity", defaults.identity),
      issuer: await text("issuer", defaults.issuer),
    };
    verdicts.set(name, verdictOf(await readFile(at("bundle.sigstore.json")), trust, artifact));
  }
  if (rootless.length > 0) t.diagnostic(`${rootless.length} cases need CUPEL_TRUSTED_ROOT`);
  const wrong = [...verdicts].filter(([name, verdict]) => {
    const exception = exceptions[name];
    if (exception !== undefined) return verdict !== exception.code;
    return (verdict === "verified") === name.endsWith("_fail");
  });
  assert.deepEqual(wrong, []);
  t.diagnostic(`${verdicts.size} of ${cases.length} cases, ${Object.keys(exceptions).length} exceptions`);
});

/** "verified", or the code of the refusal. */
function verdictOf(bytes: Buffer, trust: Parameters<typeof verifyKeyless>[1], artifact: Buffer): string {
  const bundle = parseJsonBytes(bytes);
  if (!isObject(bundle)) return "no JSON";
  try {
    verifyKeyless(bundle, trust, "a case", artifact);
  } catch (thrown) {
    if (thrown instanceof CupelError) return thrown.code;
    throw thrown;
  }
  return isSubject(bundle, artifact) ? "verified" : "another subject";
}

/** Of a statement in an envelope: the artifact must be one of its subjects. */
function isSubject({ dsseEnvelope }: Readonly<Record<string, unknown>>, artifact: Buffer): boolean {
  if (!isObject(dsseEnvelope)) return true;
  const statement: unknown = parseJsonBytes(Buffer.from(String(dsseEnvelope.payload), "base64"));
  const subjects: unknown = isObject(statement) ? statement.subject : [];
  return (
    Array.isArray(subjects) &&
    subjects.some(({ digest }) => isObject(digest) && digest.sha256 === hash("sha256", artifact))
  );
}
