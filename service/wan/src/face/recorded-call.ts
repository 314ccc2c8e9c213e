/**
 * What @cupel/client sends for a call: recorded once, by a server on this machine that answers nothing good, and then sent
 * again and again as bytes. So a generator spends its time on connections, and not on making the same message anew.
 */
import { once } from "node:events";
import { createServer as createHttp1Server, type IncomingHttpHeaders } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { FaceName } from "@cupel/client";
import { openClientCaller } from "./client-caller.ts";
import type { TensorCall } from "./tensor-call.ts";

export interface RecordedCall {
  /** "/inference.GRPCInferenceService/ModelInfer" */
  readonly path: string;
  /** Without those that belong to a connection or a length. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** @param http the version that the face is called over */
export async function recordCall(
  face: FaceName,
  http: 1 | 2,
  call: TensorCall,
  deadlineMs: number,
): Promise<RecordedCall> {
  const { promise: recorded, resolve, reject } = Promise.withResolvers<RecordedCall>();
  const server = http === 2 ? createHttp2Server() : createHttp1Server();
  server.on("request", async (asked, answer) => {
    try {
      resolve({ path: asked.url, headers: ownHeaders(asked.headers), body: await buffer(asked) });
    } catch (thrown) {
      reject(thrown);
    }
    answer.writeHead(503).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  using caller = openClientCaller(call, {
    url,
    face,
    policy: { http, connections: 1 },
    deadlineMs,
    hedgeMs: null,
  });
  try {
    // It fails, once it was recorded; where it fails before, that is told.
    caller.call(() => {}).catch(reject);
    return await recorded;
  } finally {
    server.close();
  }
}

const ofConnections = ["host", "connection", "keep-alive", "content-length", "transfer-encoding"];

function ownHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const own = Object.entries(headers).filter(
    ([name]) => !name.startsWith(":") && !ofConnections.includes(name),
  );
  return Object.fromEntries(own.map(([name, value]) => [name, String(value)]));
}
