/**
 * A reverse proxy that makes answers late: a tool for developing against a slow server, and no emulator of a link. It ends
 * TCP, so nobody behind it ever sees a lost packet, a retransmission or a small congestion window; what is measured through
 * it says nothing about an ocean. How late an answer was made is in its header `cupel-injected-delay-ms`.
 */
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
  type ServerResponse,
} from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { createRandom, reasonOf } from "@cupel/base";
import { wanErrors } from "../errors.ts";

export const injectedDelayHeader = "cupel-injected-delay-ms";

export interface DelayProxyOptions {
  /** Where requests go, whatever they ask for: "http://127.0.0.1:8080". Its path does not count. */
  readonly target: string;
  /** 0 takes one that is free. */
  readonly port: number;
  /** The delay of each request is drawn evenly between these, ms. Default 10 and 150. */
  readonly minMs?: number | undefined;
  readonly maxMs?: number | undefined;
  readonly seed: number;
  /** To the target, at most. Default 500. */
  readonly connections?: number | undefined;
}

export interface DelayProxy extends AsyncDisposable {
  readonly url: string;
  readonly minMs: number;
  readonly maxMs: number;
  /** So far: connections that were made to the proxy, and requests. */
  readonly connections: number;
  readonly requests: number;
}

/** The load that the preset is for: what to ask of it by the generator. */
export const delayProxyPreset = { minMs: 10, maxMs: 150, connections: 500, perSecond: 200 } as const;

/** On this machine's own address alone. @throws SCENARIO_INVALID, PROXY_FAILED */
export async function openDelayProxy(options: DelayProxyOptions): Promise<DelayProxy> {
  const { port, seed } = options;
  const { minMs = delayProxyPreset.minMs, maxMs = delayProxyPreset.maxMs } = options;
  if (!(minMs >= 0 && minMs <= maxMs && maxMs < 2 ** 31))
    throw wanErrors.error(
      "SCENARIO_INVALID",
      `A proxy cannot delay by ${minMs} to ${maxMs} ms: the least is 0 or more, and no more than the greatest.`,
    );
  const random = createRandom(seed);
  const target = new URL(options.target);
  const settings = { keepAlive: true, maxSockets: options.connections ?? delayProxyPreset.connections };
  const isSecure = target.protocol === "https:";
  const agent = isSecure ? new TlsAgent(settings) : new PlainAgent(settings);
  const onward: Onward = { agent, target, request: isSecure ? tlsRequest : plainRequest };
  let connections = 0;
  let requests = 0;
  const server = createServer((asked, answer) => {
    requests++;
    const injectedMs = minMs + (maxMs - minMs) * random.uniform();
    void delay(injectedMs).then(() => {
      // Who left meanwhile is asked for nothing.
      if (!answer.destroyed) pass(onward, { asked, answer, injectedMs });
    });
  });
  server.on("connection", () => connections++);
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch (cause) {
    agent.destroy();
    throw wanErrors.error("PROXY_FAILED", `The proxy cannot listen on port ${port}: ${reasonOf(cause)}`, {
      cause,
    });
  }
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : port}`,
    minMs,
    maxMs,
    get connections() {
      return connections;
    },
    get requests() {
      return requests;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}

interface Onward {
  readonly agent: PlainAgent | TlsAgent;
  readonly target: URL;
  readonly request: typeof plainRequest;
}

interface Passing {
  readonly asked: IncomingMessage;
  readonly answer: ServerResponse;
  readonly injectedMs: number;
}

/** Of one connection and not of what goes through it (RFC 9110, 7.6.1); bodies stay framed as they came. */
const ofConnection = new Set(["connection", "keep-alive", "proxy-connection", "upgrade"]);

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ofConnection.has(name)));
}

function pass({ agent, target, request }: Onward, { asked, answer, injectedMs }: Passing): void {
  const mark = { [injectedDelayHeader]: injectedMs.toFixed(1) };
  // What is asked for is a path, even where it looks like the URL of another server: nobody else is asked.
  const onward = request(target.origin, {
    agent,
    method: asked.method ?? "GET",
    path: asked.url ?? "/",
    headers: { ...endToEnd(asked.headers), host: target.host },
  });
  onward.on("response", (told) => {
    answer.writeHead(told.statusCode ?? 502, { ...endToEnd(told.headers), ...mark });
    told.on("error", () => answer.destroy());
    told.pipe(answer);
  });
  onward.on("error", () => {
    if (answer.headersSent) answer.destroy();
    else answer.writeHead(502, mark).end("The server behind the proxy does not answer.\n");
  });
  answer.on("close", () => onward.destroy());
  asked.pipe(onward);
}
