/**
 * A caller of bytes over HTTP: what is sent is made once, over HTTP/1.1 or HTTP/2, so that bodies can be compared over the
 * same connections, and connections with the same body. Calls take turns on the connections of HTTP/2, whose windows are
 * those of @cupel/client unless the policy leaves them as Node.js has them.
 */
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from "node:http";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { windowDefaults } from "@cupel/client";
import type { Caller } from "../load/caller.ts";
import { CallFailure } from "../load/outcome.ts";
import type { ConnectionPolicy } from "./connection-policy.ts";
import type { CallerTls } from "./tls-files.ts";

export interface HttpCall {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** What tells a good answer; default "status". */
  readonly success?: Success | undefined;
}

/** Faces that tell of a failure behind status 200: in trailers, in a frame at the end, or in the body. */
export type Success = "status" | "grpc" | "grpc-web" | "graphql";

const successes: Readonly<Record<Success, (answer: Answer) => boolean>> = {
  status: () => true,
  grpc: ({ grpcStatus }) => grpcStatus === "0",
  "grpc-web": ({ ends }) => /grpc-status: ?0\r?\n/.test(ends.text()),
  graphql: ({ ends }) => !ends.text().includes('"errors":'),
};

export interface HttpCallerOptions {
  readonly policy: ConnectionPolicy;
  readonly deadlineMs: number;
  readonly tls?: CallerTls | undefined;
}

/** What an answer was, once it is whole. */
interface Answer {
  readonly status: number;
  /** Null: none was told. */
  readonly grpcStatus: string | null;
  readonly ends: Ends;
}

/** The first and the last bytes of a body. */
class Ends {
  static readonly #bytes = 256;
  #head: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);

  add(chunk: Buffer): void {
    if (this.#head.length === 0) this.#head = chunk.subarray(0, Ends.#bytes);
    const all = chunk.length < Ends.#bytes ? Buffer.concat([this.#tail, chunk]) : chunk;
    this.#tail = all.subarray(-Ends.#bytes);
  }

  text(): string {
    return `${this.#head.toString("latin1")} ${this.#tail.toString("latin1")}`;
  }
}

type Send = (onFirstByte: () => void, signal: AbortSignal) => Promise<Answer>;

export function openHttpCaller(call: HttpCall, options: HttpCallerOptions): Caller {
  const isGood = successes[call.success ?? "status"];
  const opened = options.policy.http === 2 ? http2Sender(call, options) : http1Sender(call, options);
  return {
    async call(onFirstByte) {
      const signal = AbortSignal.timeout(options.deadlineMs);
      let answer: Answer;
      try {
        answer = await opened.send(onFirstByte, signal);
      } catch (cause) {
        throw new CallFailure(signal.aborted ? "deadline" : "reset", String(cause), { cause });
      }
      if (answer.status !== 200) throw new CallFailure("status", `The server answered ${answer.status}.`);
      if (!isGood(answer))
        throw new CallFailure("status", `The server told of a failure: ${answer.ends.text().slice(-200)}`);
    },
    [Symbol.dispose]: () => opened.close(),
  };
}

interface Sender {
  readonly send: Send;
  close(): void;
}

function http1Sender(
  { url, method, headers, body }: HttpCall,
  { policy, tls = { ca: "" } }: HttpCallerOptions,
): Sender {
  const isSecure = url.startsWith("https:");
  const settings = {
    keepAlive: true,
    maxSockets: policy.connections,
    maxFreeSockets: policy.connections,
    scheduling: "lifo",
  } as const;
  const agent = isSecure ? new TlsAgent({ ...settings, ...tls }) : new PlainAgent(settings);
  const request = isSecure ? tlsRequest : plainRequest;
  const length = body === null ? {} : { "content-length": body.byteLength };
  return {
    async send(onFirstByte, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const sent = request(
        url,
        { agent, method, headers: { ...headers, ...length }, signal },
        (answer: IncomingMessage) => {
          onFirstByte();
          answer.on("error", reject);
          const ends = new Ends();
          answer.on("data", (chunk: Buffer) => ends.add(chunk));
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, grpcStatus: null, ends }));
        },
      );
      sent.on("error", reject);
      sent.end(body ?? undefined);
      return await promise;
    },
    close: () => agent.destroy(),
  };
}

function http2Sender(
  { url, method, headers, body }: HttpCall,
  { policy, tls = { ca: "" } }: HttpCallerOptions,
): Sender {
  const { origin, pathname, search } = new URL(url);
  const isWide = policy.http === 2 && policy.windows !== "node";
  const sessions: ClientHttp2Session[] = [];
  let turn = 0;
  const session = (): ClientHttp2Session => {
    const index = turn++ % policy.connections;
    const held = sessions[index];
    if (held && !held.closed && !held.destroyed) return held;
    const opened = connect(origin, {
      ...(origin.startsWith("https:") && tls),
      ...(isWide && { settings: { initialWindowSize: windowDefaults.stream } }),
    });
    if (isWide) opened.on("connect", () => opened.setLocalWindowSize(windowDefaults.connection));
    // Each call on it fails by itself.
    opened.on("error", () => {});
    sessions[index] = opened;
    return opened;
  };
  const asked = { ...headers, ":method": method, ":path": pathname + search };
  return {
    async send(onFirstByte, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const stream = session().request(asked, { endStream: body === null });
      const leave = () => stream.close(constants.NGHTTP2_CANCEL);
      signal.addEventListener("abort", leave, { once: true });
      let status = 0;
      let grpcStatus: string | null = null;
      const ends = new Ends();
      // Of an answer without a body they are in its head.
      const hear = (told: IncomingHttpHeaders) => {
        const value = told["grpc-status"];
        if (value !== undefined) grpcStatus = String(value);
      };
      stream.on("response", (told) => {
        onFirstByte();
        status = Number(told[":status"]);
        hear(told);
      });
      stream.on("trailers", hear);
      stream.on("data", (chunk: Buffer) => ends.add(chunk));
      stream.on("error", reject);
      stream.on("close", () => {
        signal.removeEventListener("abort", leave);
        if (stream.rstCode === 0 && status !== 0) resolve({ status, grpcStatus, ends });
        else reject(new Error(`The stream was closed with code ${stream.rstCode}.`));
      });
      if (body !== null) stream.end(body);
      return await promise;
    },
    close() {
      for (const each of sessions) each?.destroy();
    },
  };
}
