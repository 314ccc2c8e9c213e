/**
 * A reverse proxy that makes answers late: a tool for developing against a slow server, and no emulator of a link. It ends
 * TCP, so nobody behind it ever sees a lost packet, a retransmission or a small congestion window; what is measured through
 * it says nothing about an ocean. How late an answer was made is in its header `cupel-injected-delay-ms`.
 */
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { createRandom } from "@cupel/base";

export const injectedDelayHeader = "cupel-injected-delay-ms";

export interface DelayProxyOptions {
  /** Where requests go: "http://127.0.0.1:8080". */
  readonly target: string;
  /** 0 takes one that is free. */
  readonly port: number;
  /** The delay of each request is drawn evenly between these, ms. Default 10 and 150. */
  readonly minMs?: number | undefined;
  readonly maxMs?: number | undefined;
  readonly seed: number;
  /** To the target. Default 500. */
  readonly connections?: number | undefined;
}

export interface DelayProxy extends AsyncDisposable {
  readonly url: string;
}

/** The load that the preset is for: what to ask of it by the generator. */
export const delayProxyPreset = { minMs: 10, maxMs: 150, connections: 500, perSecond: 200 } as const;

/** On this machine's own address alone. */
export async function openDelayProxy(options: DelayProxyOptions): Promise<DelayProxy> {
  const { target, port, seed } = options;
  const { minMs = delayProxyPreset.minMs, maxMs = delayProxyPreset.maxMs } = options;
  const random = createRandom(seed);
  const agent = new Agent({
    keepAlive: true,
    maxSockets: options.connections ?? delayProxyPreset.connections,
  });
  const server = createServer((asked, answer) => {
    const injectedMs = minMs + (maxMs - minMs) * random.uniform();
    void delay(injectedMs).then(() =>
      pass(new URL(asked.url ?? "/", target), agent, { asked, answer, injectedMs }),
    );
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      agent.destroy();
      await once(server, "close");
    },
  };
}

interface Passing {
  readonly asked: IncomingMessage;
  readonly answer: ServerResponse;
  readonly injectedMs: number;
}

function pass(url: URL, agent: Agent, { asked, answer, injectedMs }: Passing): void {
  const mark = { [injectedDelayHeader]: injectedMs.toFixed(1) };
  const onward = request(url, {
    agent,
    method: asked.method ?? "GET",
    headers: { ...asked.headers, host: url.host },
  });
  onward.on("response", (told) => {
    answer.writeHead(told.statusCode ?? 502, { ...told.headers, ...mark });
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
