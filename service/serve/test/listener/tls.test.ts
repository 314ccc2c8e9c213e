/** TLS on the one port: ALPN, versions, client certificates, resumption, renewal; and what is not TLS. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { request as request1 } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { makeThrowawayCertificate, openTemporaryFolder, type ThrowawayCertificate } from "@cupel/base";
import type { Face } from "../../src/core/face.ts";
import { peerOf } from "../../src/core/peer-of.ts";
import { type Listener, listen } from "../../src/listener/listen.ts";
import type { TlsOptions } from "../../src/listener/tls.ts";
import { CountingInstruments } from "../support/counting-instruments.ts";
import { get2, openHttp2, openSocket, received } from "../support/http-client.ts";

const authority = makeThrowawayCertificate("An authority");
const server = makeThrowawayCertificate("localhost", authority);
const client = makeThrowawayCertificate("line-7", authority);
const stranger = makeThrowawayCertificate("stranger", makeThrowawayCertificate("Another authority"));

/** Says who asks and by which version of HTTP. */
const whoFace: Face = {
  takes: () => true,
  handle: (request, response) =>
    void response.end(`${request.httpVersion} ${peerOf(request).certificate ?? "nobody"}`),
  [Symbol.asyncDispose]: async () => {},
};

async function open(folder: string, tls: Partial<TlsOptions> & { readonly mutual?: boolean } = {}) {
  const instruments = new CountingInstruments();
  const { mutual, ...options } = tls;
  const path = (name: string) => join(folder, name);
  await write(folder, server);
  await writeFile(path("authority.pem"), authority.certificate);
  const listener = await listen({
    faces: [whoFace],
    port: 0,
    tls: {
      certificate: path("server.pem"),
      key: path("server.key"),
      ...(mutual ? { clientAuthority: path("authority.pem") } : {}),
      ...options,
    },
    instruments,
    onError: (error) => {
      throw error;
    },
  });
  return { listener, instruments };
}

async function write(folder: string, { certificate, key }: ThrowawayCertificate): Promise<void> {
  await writeFile(join(folder, "server.pem"), certificate);
  await writeFile(join(folder, "server.key"), key);
}

const trust = { ca: authority.certificate };
const as = ({ certificate, key }: ThrowawayCertificate) => ({ ...trust, cert: certificate, key });

async function get1(listener: Listener, options: object): Promise<string> {
  const sent = request1({ ...options, port: listener.port, host: "localhost", agent: false }).end();
  const [response] = await once(sent, "response");
  return text(response);
}

/** One request by hand, to see the connection itself. */
async function by(listener: Listener, options: ConnectionOptions) {
  const socket: TLSSocket = connect({ port: listener.port, host: "localhost", ...options });
  let session: Buffer | undefined;
  let seen: { version?: string | null; resumed?: boolean; alpnProtocol?: string | false | null } = {};
  socket.once("secureConnect", () => {
    const { alpnProtocol } = socket;
    seen = { version: socket.getProtocol(), resumed: socket.isSessionReused(), alpnProtocol };
  });
  socket.on("session", (ticket) => (session = ticket));
  const answered = Promise.withResolvers<string>();
  let received = "";
  socket.on("data", (chunk) => (received += chunk)).once("error", answered.reject);
  socket.once("close", () => {
    if (received === "") answered.reject(new Error("closed without an answer"));
    answered.resolve(received);
  });
  socket.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  const answer = await answered.promise;
  return { answer, session, ...seen };
}

test("ALPN chooses HTTP/2 or HTTP/1.1 on one port; who has none speaks HTTP/1.1; the rest is not offered", async () => {
  await using folder = await openTemporaryFolder("serve-tls");
  const { listener, instruments } = await open(folder.path);
  await using _ = listener;
  const session = await openHttp2(`https://localhost:${listener.port}`, trust);
  assert.equal((await get2(session, "/")).body, "2.0 nobody");
  assert.equal(session.alpnProtocol, "h2");
  session.close();
  assert.equal(await get1(listener, { ...trust, ALPNProtocols: ["http/1.1"] }), "1.1 nobody");
  const { answer, alpnProtocol } = await by(listener, trust);
  assert.match(answer, /1\.1 nobody$/);
  assert.equal(alpnProtocol, false);
  await assert.rejects(by(listener, { ...trust, ALPNProtocols: ["grpc-exp"] }), /no application protocol/i);
  await assert.rejects(by(listener, { ...trust, maxVersion: "TLSv1.2" }), /protocol version/i);
  const counted = (protocol: string, alpn: string) =>
    instruments.value("connections", { protocol, tls: "TLSv1.3", alpn });
  assert.deepEqual(
    [counted("http2", "h2"), counted("http1", "http/1.1"), counted("http1", "none")],
    [1, 1, 1],
  );
  assert.equal(instruments.value("connectionErrors", { cause: "handshake_failed" }), 2);
  assert.equal(instruments.value("handshakeSeconds", { tls: "TLSv1.3", resumed: "no" }), 3);
});

test("TLS 1.2 is taken where an option says so", async () => {
  await using folder = await openTemporaryFolder("serve-tls");
  const { listener } = await open(folder.path, { tls12: true });
  await using _ = listener;
  assert.equal((await by(listener, { ...trust, maxVersion: "TLSv1.2" })).version, "TLSv1.2");
});

test("a client certificate is asked for and names the peer; a resumed session names it too", async () => {
  await using folder = await openTemporaryFolder("serve-tls");
  const { listener, instruments } = await open(folder.path, { mutual: true });
  await using _ = listener;
  const first = await by(listener, as(client));
  assert.match(first.answer, /1\.1 line-7$/);
  const again = await by(listener, { ...as(client), session: first.session });
  assert.match(again.answer, /1\.1 line-7$/);
  assert.equal(again.resumed, true);
  assert.equal(instruments.value("handshakeSeconds", { tls: "TLSv1.3", resumed: "yes" }), 1);
  const session = await openHttp2(`https://localhost:${listener.port}`, as(client));
  assert.equal((await get2(session, "/")).body, "2.0 line-7");
  session.close();
  await assert.rejects(by(listener, trust), /certificate required/i);
  await assert.rejects(by(listener, as(stranger)), /certificate|unknown ca|ECONNRESET|without an answer/i);
  assert.equal(instruments.value("connectionErrors", { cause: "client_certificate" }), 2);
});

test("where a client certificate is optional, one that nobody signed names nobody", async () => {
  await using folder = await openTemporaryFolder("serve-tls");
  const { listener } = await open(folder.path, { mutual: true, clientCertificate: "optional" });
  await using _ = listener;
  const answers = await Promise.all(
    [trust, as(client), as(stranger)].map((options) => by(listener, options)),
  );
  assert.deepEqual(
    answers.map(({ answer }) => answer.split(" ").at(-1)),
    ["nobody", "line-7", "nobody"],
  );
});

test("a certificate is renewed without a restart, and a broken one leaves the old in place", async () => {
  await using folder = await openTemporaryFolder("serve-tls");
  const { listener } = await open(folder.path);
  await using _ = listener;
  const open2 = () => openHttp2(`https://localhost:${listener.port}`, trust);
  const before = await open2();
  assert.equal(await listener.renewCertificate(), false);
  await writeFile(join(folder.path, "server.key"), stranger.key);
  await assert.rejects(listener.renewCertificate(), { code: "CERTIFICATE_INVALID" });
  (await open2()).close();
  await write(folder.path, makeThrowawayCertificate("renewed", authority));
  assert.equal(await listener.renewCertificate(), true);
  const after = await open2();
  assert.equal((after.socket as TLSSocket).getPeerCertificate().subject.CN, "renewed");
  assert.equal((await get2(before, "/")).status, 200);
  before.close();
  after.close();
});

test("plain HTTP on a port of TLS is told so; HTTP/2 in cleartext and garbage are closed; all are counted", async () => {
  await using folder = await openTemporaryFolder("serve-tls");
  const { listener, instruments } = await open(folder.path);
  await using _ = listener;
  const send = async (bytes: string) => {
    const socket = await openSocket(listener.port);
    socket.write(bytes, "latin1");
    return received(socket);
  };
  assert.match(await send("GET / HTTP/1.1\r\n\r\n"), /^HTTP\/1\.1 400 .*HTTPS requests\.\n$/s);
  assert.equal(await send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "");
  await send("\x16\x03\x01\0\x05hello");
  const errors = (cause: string) => instruments.value("connectionErrors", { cause });
  assert.deepEqual([errors("cleartext_on_tls"), errors("handshake_failed")], [2, 1]);
});

test("a handshake that stops in the middle does not keep a server from stopping", async () => {
  await using folder = await openTemporaryFolder("serve-tls");
  const { listener, instruments } = await open(folder.path);
  const socket = await openSocket(listener.port);
  socket.write("\x16\x03\x01\x02\0", "latin1");
  while (instruments.value("openConnections") === 0) await new Promise(setImmediate);
  const closed = received(socket);
  await listener.close();
  await closed;
  assert.equal(instruments.value("openConnections"), 0);
  await assert.rejects(open(join(folder.path, "nowhere")), { code: "ENOENT" });
});
