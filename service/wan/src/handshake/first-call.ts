/** One fresh connection with a first call, seen from the client: when each part of the way was done, in ms. */
import { request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { reasonOf } from "@cupel/base";
import { bodyOf } from "../face/body-of.ts";
import { openClientCaller } from "../face/client-caller.ts";
import type { TensorCall } from "../face/tensor-call.ts";
import type { CallerTls } from "../face/tls-files.ts";
import type { HandshakeKind } from "./handshake-kinds.ts";

export interface HandshakeTarget {
  readonly kind: HandshakeKind;
  /** Of the server; its scheme is the kind's. */
  readonly host: string;
  readonly port: number;
  /** Null of a kind without TLS. */
  readonly tls: CallerTls | null;
  readonly call: TensorCall;
}

/** Times from the begin of the connection, ms. */
export interface FirstCall {
  /** TCP is connected; null: it was not, or nobody saw it. */
  readonly tcpMs: number | null;
  /** TLS is agreed, as the client sees it. */
  readonly tlsMs: number | null;
  /** The answer is whole, or the connection has failed. */
  readonly totalMs: number;
  /** "200", another status, or the code of the error. */
  readonly end: string;
  /** In the words of the error; empty of an answer. */
  readonly reason: string;
  readonly isResumed: boolean;
  /** Of the connection, both ways, without headers of TCP and IP; null: nobody counted. */
  readonly bytes: number | null;
}

/** After which a connection has failed, ms: four tries of TCP to connect (1, 2, 4 and 8 s apart). */
export const handshakeDeadlineMs = 20_000;

/** The newest ticket of a server, for the next connection. */
export interface TicketHolder {
  ticket: Buffer | undefined;
}

export function firstCall(target: HandshakeTarget, tickets: TicketHolder): Promise<FirstCall> {
  return target.kind.by === "client" ? byClient(target) : bySockets(target, tickets);
}

async function byClient({ kind, host, port, tls, call }: HandshakeTarget): Promise<FirstCall> {
  using caller = openClientCaller(call, {
    url: `${kind.tls === null ? "http" : "https"}://${host}:${port}`,
    face: "grpc",
    policy: { http: 2, connections: 1 },
    deadlineMs: handshakeDeadlineMs,
    hedgeMs: null,
    tls: tls ?? undefined,
  });
  const since = performance.now();
  const unseen = { tcpMs: null, tlsMs: null, isResumed: false, bytes: null };
  try {
    await caller.call(() => {});
    return { ...unseen, totalMs: performance.now() - since, end: "200", reason: "" };
  } catch (thrown) {
    return { ...unseen, totalMs: performance.now() - since, ...endOf(thrown) };
  }
}

async function bySockets(target: HandshakeTarget, tickets: TicketHolder): Promise<FirstCall> {
  const { kind, host, port } = target;
  const since = performance.now();
  const elapsed = () => performance.now() - since;
  let tcpMs: number | null = null;
  let tlsMs: number | null = null;
  let isResumed = false;
  const tcp = connectTcp({ host, port, noDelay: true });
  tcp.once("connect", () => {
    tcpMs = elapsed();
  });
  const secure = secured(target, tcp, tickets);
  secure?.once("secureConnect", () => {
    tlsMs = elapsed();
    isResumed = secure.isSessionReused();
  });
  const socket = secure ?? tcp;
  const signal = AbortSignal.timeout(handshakeDeadlineMs);
  let end: Pick<FirstCall, "end" | "reason">;
  try {
    end = { end: String(await (kind.http === 2 ? ask2 : ask1)(target, socket, signal)), reason: "" };
  } catch (thrown) {
    end = signal.aborted
      ? { end: "deadline", reason: `nothing came in ${handshakeDeadlineMs} ms` }
      : endOf(thrown);
  }
  const totalMs = elapsed();
  const bytes = tcp.bytesRead + tcp.bytesWritten;
  socket.destroy();
  return { tcpMs, tlsMs, totalMs, ...end, isResumed, bytes };
}

/** Null of a kind without TLS. */
function secured(
  { kind, host, tls }: HandshakeTarget,
  socket: Socket,
  tickets: TicketHolder,
): TLSSocket | null {
  if (kind.tls === null || tls === null) return null;
  const { alpn, isResumed, hasCertificate } = kind.tls;
  const secure = connectTls({
    socket,
    host,
    ca: tls.ca,
    ...(hasCertificate ? { cert: tls.cert, key: tls.key } : {}),
    ALPNProtocols: [...alpn],
    minVersion: "TLSv1.3",
    session: isResumed ? tickets.ticket : undefined,
  });
  if (isResumed)
    secure.on("session", (ticket) => {
      tickets.ticket = ticket;
    });
  return secure;
}

/** @returns the status. Of whatever breaks, the socket's own error is heard first: it is the one that says why. */
async function ask1({ host, call }: HandshakeTarget, socket: Socket, signal: AbortSignal): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const { headers, bytes } = bodyOf("rest-binary", call);
  socket.on("error", reject);
  const sent = request(
    {
      createConnection: () => socket,
      host,
      method: "POST",
      path: pathOf(call),
      headers: { ...headers, "content-length": bytes.byteLength },
      signal,
    },
    (answer) => {
      answer.on("error", reject);
      answer.on("end", () => resolve(answer.statusCode ?? 0));
      answer.resume();
    },
  );
  sent.on("error", reject);
  sent.end(bytes);
  return await promise;
}

async function ask2(
  { kind, host, port, call }: HandshakeTarget,
  socket: Socket,
  signal: AbortSignal,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const { headers, bytes } = bodyOf("rest-binary", call);
  socket.on("error", reject);
  const origin = `${kind.tls === null ? "http" : "https"}://${host}:${port}`;
  const session = connectHttp2(origin, { createConnection: () => socket });
  session.on("error", reject);
  const stream = session.request({ ...headers, ":method": "POST", ":path": pathOf(call) }, { signal });
  let status = 0;
  stream.on("response", (told) => {
    status = Number(told[":status"]);
  });
  stream.on("error", reject);
  stream.on("end", () => resolve(status));
  stream.on("close", () => reject(new Error("The stream was closed without an answer.")));
  stream.resume();
  stream.end(bytes);
  try {
    return await promise;
  } finally {
    session.destroy();
  }
}

function pathOf({ model }: TensorCall): string {
  return `/v2/models/${encodeURIComponent(model)}/infer`;
}

function endOf(thrown: unknown): Pick<FirstCall, "end" | "reason"> {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "error";
  return { end: code, reason: reasonOf(thrown).trim() };
}
