/** HTTP/1.1 over Node's own modules: a connection a call in flight, kept for the next. */
import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { urlToHttpOptions } from "node:url";
import { connectionError } from "../faces/connection-error.ts";
import type { FaceOptions } from "../faces/platform.ts";
import { poolDefaults } from "../policies/pool.ts";
import type { HttpAnswer, HttpClient } from "../rest/http-client.ts";
import { wholeBody } from "../rest/whole-body.ts";
import { refuseSlowConnection } from "./connect-timeout.ts";
import { tlsSettings } from "./tls-settings.ts";

export function createHttp1Client(endpoint: URL, options: FaceOptions): HttpClient {
  const isSecure = endpoint.protocol === "https:";
  const agent = http1Agent(endpoint, options);
  const { path, ...target } = urlToHttpOptions(endpoint);
  const prefix = (path ?? "").replace(/\/$/, "");
  const request = isSecure ? httpsRequest : httpRequest;
  return {
    async send({ method, path, headers, body, signal }) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      const asked: RequestOptions = {
        ...target,
        agent,
        method,
        path: prefix + path,
        headers: { ...headers, ...(body === undefined ? {} : { "content-length": body.byteLength }) },
      };
      const sent = request(asked, resolve);
      const leave = () => sent.destroy(signal.reason);
      signal.addEventListener("abort", leave, { once: true });
      // After an answer has begun it is the answer that tells what broke.
      sent.on("error", reject);
      sent.once("socket", (socket) => refuseSlowConnection(socket, options.connectTimeoutMs));
      sent.end(body);
      try {
        const answer = await promise;
        return answered(answer, await wholeBody(answer, options.maxAnswerBytes));
      } catch (thrown) {
        sent.destroy();
        throw signal.aborted ? signal.reason : (connectionError(thrown) ?? thrown);
      } finally {
        signal.removeEventListener("abort", leave);
      }
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** Keeps connections for the next call, the last used one first: its congestion window is the widest. */
export function http1Agent({ protocol }: URL, { pool, tls }: FaceOptions): HttpAgent | HttpsAgent {
  const maxSockets = pool.connections ?? poolDefaults.http1;
  const settings = { keepAlive: true, maxSockets, maxFreeSockets: maxSockets, scheduling: "lifo" } as const;
  return protocol === "https:"
    ? new HttpsAgent({ ...settings, ...tlsSettings(tls) })
    : new HttpAgent(settings);
}

function answered({ statusCode = 0, headers }: IncomingMessage, body: Uint8Array<ArrayBuffer>): HttpAnswer {
  return {
    status: statusCode,
    header(name) {
      const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
      return value === undefined ? null : Array.isArray(value) ? value.join(", ") : value;
    },
    body,
  };
}
