/**
 * The REST face: the Open Inference Protocol v2 over HTTP/1.1 and HTTP/2. Nothing of a body is read before its request is
 * let in, and none is larger than the limit of all faces.
 */
import { errorFrom } from "@cupel/base";
import type { FaceName } from "../core/call.ts";
import type { Face, FaceOptions, FaceRequest, FaceResponse } from "../core/face.ts";
import { headerOf } from "../core/header-of.ts";
import type { Pages } from "../core/pages.ts";
import { pathOf } from "../core/path-of.ts";
import { peerOf } from "../core/peer-of.ts";
import { refuse, sendAnswer } from "../core/send-answer.ts";
import { serverTiming } from "../core/server-timing.ts";
import { serveErrors } from "../errors.ts";
import { readBody } from "../http/body-limit.ts";
import { readTimeout, timeoutHeader } from "../http/deadline.ts";
import { Departure } from "../http/departure.ts";
import type { Exchange } from "./exchange.ts";
import type { Route } from "./route.ts";
import { createRouter, type Router } from "./router.ts";
import { routes } from "./routes/routes.ts";

export interface RestFaceOptions extends FaceOptions {
  /** Default: none; `/` says where else to look then. */
  readonly pages?: Pages | undefined;
  /** What the server speaks, as `/` says it. Default: REST alone. */
  readonly faces?: ReadonlySet<FaceName> | undefined;
}

const restAlone: ReadonlySet<FaceName> = new Set(["rest"]);

/** The face takes requests for `/`, for these paths and for all below them. */
const roots = ["/v2", "/docs", "/openapi.json"];

export function createRestFace(options: RestFaceOptions): Face {
  const router = createRouter(routes);
  return {
    takes: (request) => {
      const path = pathOf(request);
      return path === "/" || roots.some((root) => path === root || path.startsWith(`${root}/`));
    },
    handle(request, response) {
      // What even a refusal cannot be made of is a defect: the client sees its connection end.
      void handle(options, router, request, response).catch(() => response.destroy());
    },
    async [Symbol.asyncDispose]() {},
  };
}

async function handle(
  { service, admission, bodyLimit, pages, faces = restAlone }: RestFaceOptions,
  router: Router,
  request: FaceRequest,
  response: FaceResponse,
): Promise<void> {
  using departure = new Departure(request, response);
  const header = (name: string) => headerOf(request, name);
  try {
    const { route, params } = router(request.method ?? "", pathOf(request));
    if (route.method === "GET") refuseBody(request);
    using call = await admission.admit({
      face: "rest",
      action: route.action,
      header,
      peer: peerOf(request),
      left: departure.signal,
      timeoutMs: readTimeout(header(timeoutHeader)),
    });
    try {
      const exchange: Exchange = {
        service,
        call,
        pages: pages ?? null,
        faces,
        params,
        query: queryOf(request),
        header,
        body: (alignAt) => readBody(request, { limit: bodyLimit, signal: call.signal, alignAt }),
      };
      // Beside what is there: answers to pages vary by their origin too.
      if (isNegotiated(route)) response.appendHeader("vary", "accept");
      const { status = 200, headers, type, body } = await route.answer(exchange);
      const timing = header("cupel-timing") === "1" ? { "server-timing": serverTiming(call.times) } : {};
      const content = type === undefined ? {} : { "content-type": type };
      sendAnswer({ status, headers: { ...headers, ...timing, ...content }, body }, request, response);
    } catch (thrown) {
      call.failed?.(thrown);
      throw errorFrom(thrown, call.signal);
    }
  } catch (thrown) {
    refuse(thrown, request, response);
  }
}

/** Whether the answer, or whether there is one, depends on the header Accept: caches must know (RFC 9110, section 12.5.5). */
function isNegotiated({ operation }: Route): boolean {
  return Object.keys(operation.response).length > 1;
}

/** A GET has no body here: nothing of one is read. @throws REQUEST_INVALID */
function refuseBody(request: FaceRequest): void {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  if (!(Number(length ?? 0) > 0 || encoding !== undefined)) return;
  throw serveErrors.error("REQUEST_INVALID", `A ${request.method} has no body here. Send it without.`);
}

/** The last value of each name. */
function queryOf({ url = "" }: FaceRequest): Readonly<Record<string, string>> {
  const start = url.indexOf("?");
  return start < 0 ? {} : Object.fromEntries(new URLSearchParams(url.slice(start)));
}
