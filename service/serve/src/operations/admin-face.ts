/**
 * The face for who runs the server: /metrics for Prometheus, /debug/profile and /debug/heap for who looks for a fault.
 * What it shows is not a model's: the door asks for the actions "metrics" and "debug", and without a configured access
 * nobody has the second.
 */

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errorFrom } from "@cupel/base";
import type { Admission, AdmittedCall } from "../core/admission.ts";
import type { Face, FaceRequest, FaceResponse } from "../core/face.ts";
import { headerOf } from "../core/header-of.ts";
import { peerOf } from "../core/peer-of.ts";
import { refuse } from "../core/send-answer.ts";
import { serveErrors } from "../errors.ts";
import { Departure } from "../http/departure.ts";
import { cpuProfile } from "./cpu-profile.ts";
import { heapSnapshot } from "./heap-snapshot.ts";
import { metricContentType } from "./metric-text.ts";

export interface AdminFaceOptions {
  readonly admission: Admission;
  /** Of all processes. */
  readonly metricsText: () => Promise<string> | string;
  /** The longest profile. Default 60. */
  readonly profileSeconds?: number | undefined;
  /** The largest heap snapshot. Default 2 GiB. */
  readonly heapBytes?: number | undefined;
}

interface Page {
  /** As the policy names it. */
  readonly action: "metrics" | "debug";
  readonly type: string;
  /** The name under which a browser saves it. */
  readonly file?: string;
  open(query: URLSearchParams, call: AdmittedCall): Promise<Readable> | Readable;
}

export function createAdminFace(options: AdminFaceOptions): Face {
  const { admission, metricsText, profileSeconds = 60, heapBytes = 2 ** 31 } = options;
  const pages = new Map<string, Page>([
    [
      "/metrics",
      {
        action: "metrics",
        type: metricContentType,
        open: async () => Readable.from([await metricsText()]),
      },
    ],
    [
      "/debug/profile",
      {
        action: "debug",
        type: "application/json",
        file: `cupel-${process.pid}.cpuprofile`,
        open: (query, { signal }) => cpuProfile(secondsOf(query, profileSeconds), signal),
      },
    ],
    [
      "/debug/heap",
      {
        action: "debug",
        type: "application/json",
        file: `cupel-${process.pid}.heapsnapshot`,
        open: () => heapSnapshot(heapBytes),
      },
    ],
  ]);
  /** A face that closes does not wait for a profile. */
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  let isDebugging = false;

  const serve = async (page: Page, call: AdmittedCall, request: FaceRequest, response: FaceResponse) => {
    if (request.method === "HEAD") {
      setHead(page, response);
      response.end();
      return;
    }
    if (page.action === "debug" && isDebugging) {
      throw serveErrors.error(
        "DEBUG_BUSY",
        "A profile or a heap snapshot is being made. Wait until it is done.",
      );
    }
    isDebugging ||= page.action === "debug";
    try {
      const body = await page.open(urlOf(request).searchParams, call);
      setHead(page, response);
      await pipeline(body, response, { signal: call.signal });
    } finally {
      if (page.action === "debug") isDebugging = false;
    }
  };
  const answer = async (page: Page, request: FaceRequest, response: FaceResponse): Promise<void> => {
    using departure = new Departure(request, response);
    try {
      if (request.method !== "GET" && request.method !== "HEAD") {
        throw serveErrors.error("METHOD_NOT_ALLOWED", `${request.method} is not taken here. Use GET, HEAD.`, {
          details: { allow: "GET, HEAD" },
        });
      }
      using call = await admission.admit({
        face: "admin",
        action: page.action,
        header: (name) => headerOf(request, name),
        peer: peerOf(request),
        left: AbortSignal.any([departure.signal, closing.signal]),
      });
      try {
        await serve(page, call, request, response);
      } catch (thrown) {
        call.failed?.(thrown);
        throw errorFrom(thrown, call.signal);
      }
    } catch (thrown) {
      refuse(thrown, request, response);
    }
  };
  return {
    takes: (request) => pages.has(urlOf(request).pathname),
    streams: (request) => pages.get(urlOf(request).pathname)?.action === "debug",
    handle(request, response) {
      const page = pages.get(urlOf(request).pathname)!;
      const work: Promise<void> = answer(page, request, response).finally(() => running.delete(work));
      running.add(work);
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.all(running);
    },
  };
}

function setHead({ type, file }: Page, response: FaceResponse): void {
  response.statusCode = 200;
  response.setHeader("content-type", type);
  response.setHeader("cache-control", "no-store");
  if (file !== undefined) response.setHeader("content-disposition", `attachment; filename="${file}"`);
}

function urlOf({ url = "/" }: FaceRequest): {
  readonly pathname: string;
  readonly searchParams: URLSearchParams;
} {
  const [pathname = "/", query = ""] = url.split("?", 2);
  return { pathname, searchParams: new URLSearchParams(query) };
}

/** Default 10 seconds. @throws REQUEST_INVALID */
function secondsOf(query: URLSearchParams, most: number): number {
  const text = query.get("seconds") ?? String(Math.min(10, most));
  const seconds = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && seconds > 0 && seconds <= most) return seconds;
  throw serveErrors.error(
    "REQUEST_INVALID",
    `seconds must be a number above 0 and at most ${most}, which admin.profileSeconds allows.`,
    { details: { parameter: "seconds", limit: most, setting: "admin.profileSeconds" } },
  );
}
