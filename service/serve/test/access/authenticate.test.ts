/** Who a caller is: keys, tokens of every bad kind, certificates. */
import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync, hash, type KeyObject } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { exportJWK, SignJWT } from "jose";
import { createApiKeys } from "../../src/access/api-key.ts";
import { createAuthentication } from "../../src/access/authenticate.ts";
import { createKeySet } from "../../src/access/key-set.ts";
import { createTokenVerifier, type TokenOptions } from "../../src/access/token.ts";
import { arrival, manualClock } from "../support/arrival.ts";

const issuer = "https://issuer.example";
const audience = "cupel";
const secret = "kx-5f0f4e7d2c9b4a61";
const keys = createApiKeys([
  { name: "first", sha256: hash("sha256", "another"), roles: [] },
  { name: "line-3", sha256: hash("sha256", secret), roles: ["caller"] },
]);
const pair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const [known, rotated, stranger] = [pair(), pair(), pair()];

async function keySetText(entries: Readonly<Record<string, KeyObject>>): Promise<string> {
  const list = Object.entries(entries).map(async ([kid, key]) => ({ ...(await exportJWK(key)), kid }));
  return JSON.stringify({ keys: await Promise.all(list) });
}

const folder = await openTemporaryFolder("access");
after(() => folder[Symbol.asyncDispose]());

const clock = manualClock();
const nowSeconds = () => Math.floor(clock.now() / 1000);

interface Made {
  readonly kid?: string;
  readonly alg?: string;
  readonly key?: KeyObject;
  readonly claims?: Readonly<Record<string, unknown>>;
}

async function token({ kid = "known", alg = "ES256", key = known.privateKey, claims = {} }: Made = {}) {
  const all = {
    iss: issuer,
    aud: audience,
    sub: "ann",
    exp: nowSeconds() + 60,
    roles: ["caller"],
    ...claims,
  };
  return await new SignJWT(all).setProtectedHeader({ alg, kid }).sign(key);
}

async function verifier(jwks: string, rest: Partial<TokenOptions> = {}) {
  return createTokenVerifier({
    keys: createKeySet({ jwks, cooldownMs: 30_000, maxAgeMs: 600_000, clock }),
    algorithms: ["ES256", "RS256"],
    issuer,
    audience,
    clockSkewSeconds: 30,
    roleClaim: "roles",
    clock,
    ...rest,
  });
}

async function fileVerifier(name: string, rest: Partial<TokenOptions> = {}) {
  const path = join(folder.path, name);
  await writeFile(path, await keySetText({ known: known.publicKey, rsa: rsa.publicKey }));
  return await verifier(path, rest);
}

test("an API key is known by its digest, in either header, and nothing else is", async () => {
  const { authenticate } = createAuthentication({ keys });
  const principal = { id: "key:line-3", roles: ["caller"] };
  assert.deepEqual(await authenticate(arrival({ "x-api-key": secret })), principal);
  assert.deepEqual(await authenticate(arrival({ authorization: `Bearer ${secret}` })), principal);
  for (const headers of [
    { "x-api-key": `${secret} ` },
    { "x-api-key": "" },
    { "x-api-key": hash("sha256", secret) },
    { authorization: secret },
    { authorization: `Basic ${secret}` },
  ]) {
    await assert.rejects(
      authenticate(arrival(headers)),
      (thrown: Error & { code?: string; details?: object }) => {
        assert.equal(thrown.code, "AUTH_REQUIRED");
        assert.deepEqual(thrown.details, { wwwAuthenticate: 'Bearer realm="cupel", error="invalid_token"' });
        return !thrown.message.includes(secret);
      },
    );
  }
});

test("who shows nothing is anonymous, with the roles that anonymous callers have", async () => {
  const { authenticate } = createAuthentication({ keys, anonymousRoles: ["reader"] });
  assert.deepEqual(await authenticate(arrival()), { id: "anonymous", roles: ["reader"] });
});

test("a client certificate gives the roles of the first row that its common name fits", async () => {
  const { authenticate } = createAuthentication({
    certificates: [
      { commonName: "camera-*", roles: ["caller"] },
      { commonName: "*", roles: [] },
    ],
  });
  const of = (certificate: string) => authenticate(arrival({}, { peer: { address: "", certificate } }));
  assert.deepEqual(await of("camera-7"), { id: "certificate:camera-7", roles: ["caller"] });
  assert.deepEqual(await of("else"), { id: "certificate:else", roles: [] });
});

test("a good token gives its subject and the roles of its claim", async () => {
  const { verify } = await fileVerifier("good.json");
  assert.deepEqual(await verify(await token()), { id: "token:ann", roles: ["caller"] });
  const signedByRsa = await token({ kid: "rsa", alg: "RS256", key: rsa.privateKey });
  assert.deepEqual(await verify(signedByRsa), { id: "token:ann", roles: ["caller"] });
  const nested = await fileVerifier("nested.json", { roleClaim: "realm_access.roles" });
  const claims = { realm_access: { roles: ["operator", 7] } };
  assert.deepEqual((await nested.verify(await token({ claims }))).roles, ["operator"]);
  const scope = await fileVerifier("scope.json", { roleClaim: "scope" });
  assert.deepEqual((await scope.verify(await token({ claims: { scope: "a b" } }))).roles, ["a", "b"]);
  const none = await fileVerifier("none.json", { roleClaim: "constructor" });
  assert.deepEqual((await none.verify(await token())).roles, []);
});

test("tokens that are not good are refused, each for its own reason", async () => {
  const { verify } = await fileVerifier("bad.json");
  const good = await token();
  const [header, payload, signature] = good.split(".") as [string, string, string];
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const publicPem = rsa.publicKey.export({ type: "spki", format: "pem" });
  const hmacHead = part({ alg: "HS256", kid: "rsa" });
  const hmac = createHmac("sha256", publicPem).update(`${hmacHead}.${payload}`).digest("base64url");
  const admin = part({ iss: issuer, aud: audience, sub: "ann", exp: nowSeconds() + 60, roles: ["admin"] });
  const refused: readonly (readonly [name: string, token: string, message: RegExp])[] = [
    ["roles changed", `${header}.${admin}.${signature}`, /signature/],
    ["signature cut", `${header}.${payload}.${signature.slice(0, -4)}`, /signature|malformed/],
    ["alg none", `${part({ alg: "none" })}.${payload}.`, /algorithm/],
    [
      "alg none with a signature",
      `${part({ alg: "none", kid: "known" })}.${payload}.${signature}`,
      /algorithm/,
    ],
    ["HS256 with the public key", `${hmacHead}.${payload}.${hmac}`, /algorithm/],
    [
      "an algorithm not in the list",
      await token({ kid: "rsa", alg: "PS256", key: rsa.privateKey }),
      /algorithm/,
    ],
    ["signed by a stranger in a known name", await token({ key: stranger.privateKey }), /signature/],
    ["a key that is not known", await token({ kid: "other", key: stranger.privateKey }), /key/],
    ["expired beyond the skew", await token({ claims: { exp: nowSeconds() - 31 } }), /expired/],
    ["not valid yet beyond the skew", await token({ claims: { nbf: nowSeconds() + 31 } }), /"nbf"/],
    ["no expiry", await token({ claims: { exp: undefined } }), /"exp"/],
    ["no subject", await token({ claims: { sub: undefined } }), /"sub"/],
    ["an empty subject", await token({ claims: { sub: "" } }), /subject/],
    ["another audience", await token({ claims: { aud: "else" } }), /"aud"/],
    ["another issuer", await token({ claims: { iss: "https://issuer.example.net" } }), /"iss"/],
    ["no token", "abc", /malformed/],
    ["no JSON", "YWJj.YWJj.YWJj", /malformed/],
  ];
  for (const [name, bad, message] of refused) {
    await assert.rejects(verify(bad), { code: "AUTH_REQUIRED", message }, name);
  }
  await verify(await token({ claims: { exp: nowSeconds() - 29 } }));
  await verify(await token({ claims: { nbf: nowSeconds() + 29 } }));
});

test("a token is looked at once in a while, and never believed beyond its expiry", async () => {
  let looks = 0;
  const key = createPublicKey(known.privateKey);
  const { verify } = await verifier("", {
    keys: async () => {
      looks++;
      return key;
    },
  });
  const long = await token();
  const short = await token({ claims: { exp: nowSeconds() + 1 } });
  for (let i = 0; i < 3; i++) await verify(long);
  await verify(short);
  assert.equal(looks, 2);
  await assert.rejects(verify(`${long.slice(0, -4)}AAAA`), { code: "AUTH_REQUIRED" });
  clock.advance(10_000);
  await verify(long);
  assert.equal(looks, 4);
  clock.advance(21_000);
  await assert.rejects(verify(short), { code: "AUTH_REQUIRED", message: /expired/ });
  const soon = await token({ claims: { exp: nowSeconds() - 29 } });
  await verify(soon);
  clock.advance(1_000);
  await assert.rejects(verify(soon), { code: "AUTH_REQUIRED", message: /expired/ });
});

test("a rotated file of keys is read again for a key it lacks, but not for each such token", async () => {
  const { verify } = await fileVerifier("rotating.json");
  const path = join(folder.path, "rotating.json");
  await verify(await token());
  const next = () => token({ kid: "rotated", key: rotated.privateKey });
  await writeFile(path, await keySetText({ rotated: rotated.publicKey }));
  await assert.rejects(async () => verify(await next()), { code: "AUTH_REQUIRED" }, "within the cooldown");
  clock.advance(30_000);
  await verify(await next());
  await assert.rejects(
    async () => verify(await token()),
    { code: "AUTH_REQUIRED" },
    "the old key was taken out",
  );
  await writeFile(path, "{");
  clock.advance(600_000);
  await assert.rejects(
    async () => verify(await next()),
    { code: "AUTH_UNAVAILABLE" },
    "too old and unreadable",
  );
});

test("keys at a URL are asked for once for many tokens, and again for a key that is new", async () => {
  let asked = 0;
  let body = await keySetText({ known: known.publicKey });
  const server = createServer((_request, response) => {
    asked++;
    response.writeHead(body === "" ? 500 : 200, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const jwks = `http://127.0.0.1:${address.port}/jwks`;
  const keysAt = (cooldownMs: number) => createKeySet({ jwks, cooldownMs, maxAgeMs: 600_000, clock });
  try {
    const { verify } = await verifier(jwks, { keys: keysAt(0) });
    await Promise.all([verify(await token()), verify(await token())]);
    await verify(await token());
    assert.equal(asked, 1);
    body = await keySetText({ known: known.publicKey, rotated: rotated.publicKey });
    await verify(await token({ kid: "rotated", key: rotated.privateKey }));
    assert.equal(asked, 2);
    const cooling = await verifier(jwks, { keys: keysAt(600_000) });
    const unknown = await token({ kid: "unknown" });
    for (let i = 0; i < 5; i++) await assert.rejects(cooling.verify(unknown), { code: "AUTH_REQUIRED" });
    assert.equal(asked, 3);
    body = "";
    const failing = await verifier(jwks, { keys: keysAt(0) });
    await assert.rejects(async () => failing.verify(await token()), { code: "AUTH_UNAVAILABLE" });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("a token and an API key both come as a bearer and are told apart", async () => {
  const { authenticate } = createAuthentication({ keys, tokens: await fileVerifier("both.json") });
  assert.equal((await authenticate(arrival({ authorization: `Bearer ${await token()}` }))).id, "token:ann");
  assert.equal((await authenticate(arrival({ authorization: `bearer ${secret}` }))).id, "key:line-3");
});
