/** One configuration: what holds, where it came from, what is refused and with which words. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { openAccess } from "../../src/access/open-access.ts";
import { effectiveConfig } from "../../src/operations/config/effective-config.ts";
import { loadConfig, parseConfig, settingsOf } from "../../src/operations/config/load-config.ts";
import { readSecret } from "../../src/operations/config/secret.ts";
import { arrival } from "../support/arrival.ts";

const parse = (text: string, flags?: Readonly<Record<string, unknown>>) =>
  parseConfig({ file: { path: "/etc/cupel/serve.yaml", text }, flags });

test("without a file and without flags everything has its default", () => {
  const { config, origins } = parseConfig({});
  const { host, port, tls } = config.listen;
  assert.deepEqual([host, port, tls], ["127.0.0.1", 8080, null]);
  assert.equal(config.access, null);
  assert.equal(config.limits.bodyLimit, 67_108_864);
  assert.deepEqual(new Set(origins.values()), new Set(["default"]));
});

test("a file is over the defaults and a flag over the file, and each value knows where it came from", () => {
  const { config, origins } = parse("listen: { port: 9000, host: 0.0.0.0 }\n", {
    "listen.port": 1234,
    "limits.inFlight": 5,
  });
  assert.equal(config.listen.port, 1234);
  assert.equal(config.listen.host, "0.0.0.0");
  assert.equal(config.limits.inFlight, 5);
  const of = (pointer: string) => origins.get(pointer);
  assert.deepEqual(
    [
      of("/listen/port"),
      of("/listen/host"),
      of("/listen/tls"),
      of("/limits/inFlight"),
      of("/limits/bodyLimit"),
    ],
    ["flag", "file", "default", "flag", "default"],
  );
});

test("JSON is taken as well, and an empty file is one that says nothing", () => {
  assert.equal(parse('{"processes": 3}').config.processes, 3);
  assert.deepEqual(parse("").config, parseConfig({}).config);
});

test("paths in a file are beside it; flags and URLs are as they are given", () => {
  const text = `
listen: { tls: { certificate: tls/cert.pem, key: /keys/key.pem } }
access: { jwt: { jwks: https://issuer.example/jwks, issuer: i, audience: a } }
`;
  const { config } = parse(text, { "repository.path": "models" });
  assert.equal(config.listen.tls?.certificate, "/etc/cupel/tls/cert.pem");
  assert.equal(config.listen.tls?.key, "/keys/key.pem");
  assert.equal(config.listen.tls?.clientAuthority, null);
  assert.equal(config.access?.jwt?.jwks, "https://issuer.example/jwks");
  assert.equal(config.access?.jwt?.clockSkewSeconds, 30);
  assert.equal(config.repository.path, "models");
});

test("what is wrong is named by its pointer, with what is expected there", () => {
  const cases: readonly (readonly [text: string, pointer: string, expected: RegExp])[] = [
    ["listen: { port: 70000 }", "/listen/port", /^a whole number of at least 0 and at most 65535$/],
    ["listen: { prot: 1 }", "/listen/prot", /host, port, tls/],
    ["limits: { rate: { perSecond: 0, burst: 1 } }", "/limits/rate/perSecond", /^a number above 0$/],
    ["limits: { inFlight: many }", "/limits/inFlight", /^a whole number of at least 1, or null$/],
    ["repository: { mode: watch }", "/repository/mode", /^one of poll, explicit$/],
    ["repository: { versions: [one] }", "/repository/versions/0", /the number of a version/],
    ["repository: { versions: 0 }", "/repository/versions", /a list of version numbers/],
    ["models: [{ batching: {} }]", "/models/0", /an object with model/],
    ["listen: 8080", "/listen", /an object with host, port, tls/],
    ["- a", "", /an object with listen/],
    [
      "access: { jwt: { jwks: a, issuer: i, audience: a, algorithms: [none] } }",
      "/access/jwt/algorithms/0",
      /RS256/,
    ],
    [
      "access: { jwt: { jwks: a, issuer: i, audience: a, algorithms: [HS256] } }",
      "/access/jwt/algorithms/0",
      /RS256/,
    ],
    ["access: { keys: [{ name: a, sha256: abc, roles: [] }] }", "/access/keys/0/sha256", /64 hexadecimal/],
    ["tracing: { authorization: Bearer abc }", "/tracing/authorization", /\$ENV:NAME/],
    ["listen: [", "", /YAML/],
    ["a: &x [1]\nb: *x", "", /YAML/],
  ];
  for (const [text, pointer, expected] of cases) {
    assert.throws(
      () => parse(text),
      (thrown: Error & { code?: string; details?: { pointer?: string; expected?: string } }) => {
        assert.equal(thrown.code, "CONFIG_INVALID", text);
        assert.equal(thrown.details?.pointer, pointer, text);
        assert.match(thrown.details?.expected ?? "", expected, text);
        return true;
      },
    );
  }
});

test("an unknown key is refused with the one that was probably meant, at every depth", () => {
  assert.throws(() => parse("limits: { bodylimits: 1 }"), { message: /Did you mean "bodyLimit"\?/ });
  assert.throws(() => parse("acess: {}"), { message: /Did you mean "access"\?/ });
  assert.throws(() => parse("models: [{ model: a, cache: { enable: true } }]"), { message: /"enabled"/ });
  assert.throws(() => parse("__proto__: { listen: {} }"), { message: /no setting "__proto__"/ });
});

test("a model has the settings of its first row that fits, over those of all", () => {
  const { config } = parse(`
batching: { maxRows: 16 }
models:
  - { model: "resnet*", batching: { maxDelayMs: 5, maxQueued: 9 }, versions: ["2"] }
  - { model: "*", cache: { enabled: true } }
`);
  const resnet = settingsOf(config, "resnet50");
  assert.deepEqual(resnet.batching, { ...config.batching, maxRows: 16, maxDelayMs: 5, maxQueued: 9 });
  assert.deepEqual(resnet.policy, { kind: "named", versions: ["2"] });
  assert.equal(resnet.cache.enabled, false);
  const other = settingsOf(config, "other");
  assert.equal(other.batching.maxQueued, 256);
  assert.deepEqual(other.policy, { kind: "latest", count: 1 });
  assert.equal(other.cache.enabled, true);
});

test("the effective configuration names every value, its origin and no digest of a key", () => {
  const sha256 = hash("sha256", "k");
  const loaded = parse(
    `access: { keys: [{ name: line, sha256: ${sha256}, roles: [caller] }], grants: [{ role: caller, actions: [infer] }] }
tracing: { authorization: $ENV:TOKEN }`,
    { processes: 2 },
  );
  const rows = new Map(
    effectiveConfig(loaded).map(({ name, value, origin }) => [name, `${JSON.stringify(value)} ${origin}`]),
  );
  assert.equal(rows.get("processes"), "2 flag");
  assert.equal(rows.get("listen.port"), "8080 default");
  assert.equal(rows.get("access.keys.0.name"), '"line" file');
  assert.equal(rows.get("access.keys.0.roles"), '["caller"] file');
  assert.equal(rows.get("access.keys.0.sha256"), '"[redacted]" file');
  assert.equal(rows.get("tracing.authorization"), '"$ENV:TOKEN" file');
  assert.ok(!JSON.stringify([...rows]).includes(sha256));
});

test("a secret comes from the environment or a file that the configuration names", async () => {
  await using folder = await openTemporaryFolder("secret");
  const path = join(folder.path, "token");
  await writeFile(path, "from a file\n");
  assert.equal(await readSecret(`$FILE:${path}`), "from a file");
  assert.equal(await readSecret("$ENV:TOKEN", { TOKEN: "from the environment" }), "from the environment");
  await assert.rejects(readSecret("$ENV:TOKEN", {}), { code: "CONFIG_INVALID", message: /TOKEN is not set/ });
  await assert.rejects(readSecret(`$FILE:${path}s`), { code: "CONFIG_INVALID" });
});

test("keys of the configuration and of its file open the door, with limits of their own", async () => {
  await using folder = await openTemporaryFolder("keys");
  const row = (name: string) =>
    `{ name: ${name}, sha256: ${hash("sha256", `secret of ${name}`)}, roles: [caller]`;
  await writeFile(join(folder.path, "keys.yaml"), `- ${row("b")}, inFlight: 7 }\n`);
  const serve = join(folder.path, "serve.yaml");
  await writeFile(
    serve,
    `access: { keys: [${row("a")} }], keysFile: keys.yaml, grants: [{ role: caller, actions: [infer] }] }\nlimits: { inFlightPerKey: 2 }`,
  );
  const { config } = await loadConfig(serve);
  const { authentication, limits, policy } = await openAccess(config);
  for (const name of ["a", "b"]) {
    const principal = await authentication.authenticate(arrival({ "x-api-key": `secret of ${name}` }));
    assert.equal(principal.id, `key:${name}`);
    assert.ok(policy.allows(principal, "infer", "m") && !policy.allows(principal, "load", "m"));
  }
  assert.equal(limits.perKey.inFlight, 2);
  assert.equal(limits.callers?.get("key:b")?.inFlight, 7);
  await writeFile(join(folder.path, "keys.yaml"), `- ${row("a")} }\n`);
  await assert.rejects(openAccess(config), { code: "CONFIG_INVALID", message: /same name/ });
  await writeFile(join(folder.path, "keys.yaml"), `- { name: c }\n`);
  await assert.rejects(openAccess(config), { code: "CONFIG_INVALID" });
  await assert.rejects(loadConfig(join(folder.path, "absent.yaml")), { code: "CONFIG_INVALID" });
});

test("a grant of an action that there is none of, and keys fetched in the clear, are refused", async () => {
  const open = (text: string) => openAccess(parse(text).config);
  await assert.rejects(open("access: { grants: [{ role: a, actions: ['*', infr] }] }"), {
    code: "CONFIG_INVALID",
    message: /Did you mean "infer"\?/,
  });
  await open("access: { grants: [{ role: a, actions: ['*', 'l*', un*] }] }");
  const jwks = (url: string) => open(`access: { jwt: { jwks: "${url}", issuer: i, audience: a } }`);
  await assert.rejects(jwks("http://issuer.example/jwks"), { code: "CONFIG_INVALID", message: /https/ });
  await assert.rejects(jwks("http://127.0.0.1.example/jwks"), { code: "CONFIG_INVALID" });
  await jwks("http://127.0.0.1:8080/jwks");
  await jwks("https://issuer.example/jwks");
});
