/**
 * The REST face: the Open Inference Protocol v2 over HTTP/1.1 and HTTP/2. Fastify routes; bodies are read here, as
 * nothing of one is read before its request is let in, and none is larger than the limit of all faces.
 */
import { errorFrom, own } from "@cupel/base";
import fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import type { Face, FaceOptions, FaceRequest } from "../core/face.ts";
import { pathOf, unknownRoute } from "../core/path-of.ts";
import { peerOf } from "../core/peer-of.ts";
import { problemOf } from "../core/problem-details.ts";
import { sendAnswer } from "../core/send-answer.ts";
import { type ServeErrorCode, serveErrors } from "../errors.ts";
import { readBody } from "./body-limit.ts";
import { readTimeout, timeoutHeader } from "./deadline.ts";
import { watchDeparture } from "./departure.ts";
import type { Answer, Exchange } from "./exchange.ts";
import type { Route } from "./route.ts";
import { routes } from "./routes/routes.ts";
import { serverTiming } from "./server-timing.ts";

/** The face takes requests for these paths and all below them. */
const roots = ["/v2", "/docs", "/openapi.json"];

/** Characters of a model's name, or of another part of a path. */
const longestName = 512;

export function createRestFace(options: FaceOptions): Face {
  const app = fastify({
    exposeHeadRoutes: true,
    // A listener that stops says so itself.
    return503OnClosing: false,
    routerOptions: { maxParamLength: longestName },
    frameworkErrors: (error, request, reply) => refuse(error, request, reply),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  app.setErrorHandler((error, request, reply) => refuse(error, request, reply));
  const patterns = routes.map((route) => ({ route, pattern: patternOf(route.path) }));
  const notFound = (request: FastifyRequest, reply: FastifyReply): void => {
    const path = pathOf(request.raw);
    const methods = patterns.filter(({ pattern }) => pattern.test(path)).map(({ route }) => route.method);
    refuse(methods.length > 0 ? wrongMethod(request.method, methods) : unknownRoute(path), request, reply);
  };
  app.setNotFoundHandler(notFound);
  // Before Fastify looks at the body, which it does for paths that it does not know as well.
  app.addHook("onRequest", (request, reply, next) => {
    if (request.is404) notFound(request, reply);
    else next();
  });
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path.replaceAll("{", ":").replaceAll("}", ""),
      handler: (request, reply) => handle(options, route, request, reply),
    });
  }
  let isReady = false;
  const ready = app.ready().then(() => {
    isReady = true;
  });
  return {
    takes: (request) => {
      const path = pathOf(request);
      return roots.some((root) => path === root || path.startsWith(`${root}/`));
    },
    handle(request, response) {
      // Fastify takes the requests of either protocol as its own server would emit them.
      if (isReady) app.server.emit("request", request, response);
      else void ready.then(() => app.server.emit("request", request, response));
    },
    async [Symbol.asyncDispose]() {
      await ready;
      await app.close();
    },
  };
}

async function handle(
  { service, admission, bodyLimit }: FaceOptions,
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const raw: FaceRequest = request.raw;
  using departure = watchDeparture(raw, reply.raw);
  const header = (name: string): string | undefined => {
    const value = raw.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  };
  try {
    if (route.method === "GET") refuseBody(raw);
    using call = await admission.admit({
      face: "rest",
      action: route.action,
      header,
      peer: peerOf(raw),
      left: departure.signal,
      timeoutMs: readTimeout(header(timeoutHeader)),
    });
    try {
      const exchange: Exchange = {
        service,
        call,
        params: record(request.params),
        query: record(request.query),
        header,
        body: (alignAt) => readBody(raw, { limit: bodyLimit, signal: call.signal, alignAt }),
      };
      // Beside what is there: answers to pages vary by their origin too.
      if (isNegotiated(route)) reply.raw.appendHeader("vary", "accept");
      const answer = await route.answer(exchange);
      const timing = header("cupel-timing") === "1" ? { "server-timing": serverTiming(call.times) } : {};
      send(raw, reply, { ...answer, headers: { ...answer.headers, ...timing } });
    } catch (thrown) {
      call.failed?.(thrown);
      throw errorFrom(thrown, call.signal);
    }
  } catch (thrown) {
    refuse(thrown, request, reply);
  }
  return reply;
}

/** Whether the answer, or whether there is one, depends on the header Accept: caches must know (RFC 9110, section 12.5.5). */
function isNegotiated({ operation }: Route): boolean {
  return Object.keys(operation.response).length > 1;
}

/** Past Fastify, which would add a charset to JSON's media types, and write the head and a text apart. */
function send(request: FaceRequest, reply: FastifyReply, { status, headers, type, body }: Answer): void {
  const all = { ...headers, ...(type === undefined ? {} : { "content-type": type }) };
  reply.hijack();
  sendAnswer({ status: status ?? 200, headers: all, body }, request, reply.raw);
}

function refuse(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  send(request.raw, reply, problemOf(ours(thrown), { instance: pathOf(request.raw) }));
}

/** What Fastify refuses by itself; anything else of its refusals is a malformed request. */
const refusals: Readonly<Record<string, readonly [ServeErrorCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["MEDIA_TYPE_UNSUPPORTED", "The header Content-Type does not parse."],
  FST_ERR_BAD_URL: ["ROUTE_UNKNOWN", "The path is not percent-encoded as a URL is."],
  FST_ERR_MAX_PARAM_LENGTH: ["ROUTE_UNKNOWN", `A part of the path is longer than ${longestName}.`],
};

function ours(thrown: unknown): unknown {
  if (!(thrown instanceof Error && "code" in thrown && "statusCode" in thrown)) return thrown;
  const { code, statusCode } = thrown;
  if (typeof code !== "string" || !code.startsWith("FST_") || Number(statusCode) >= 500) return thrown;
  const [name, message] = own(refusals, code) ?? ["REQUEST_INVALID", "The request is malformed."];
  return serveErrors.error(name, message, { cause: thrown });
}

/** A GET has no body here: nothing of one is read. @throws REQUEST_INVALID */
function refuseBody(request: FaceRequest): void {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  if (!(Number(length ?? 0) > 0 || encoding !== undefined)) return;
  throw serveErrors.error("REQUEST_INVALID", `A ${request.method} has no body here. Send it without.`);
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`);
}

function wrongMethod(method: string, methods: readonly string[]): Error {
  const allow = [...methods, ...(methods.includes("GET") ? ["HEAD"] : [])].join(", ");
  return serveErrors.error("METHOD_NOT_ALLOWED", `${method} is not taken here. Use ${allow}.`, {
    details: { allow },
  });
}

/** Of each name the last value. */
function record(values: unknown): Record<string, string> {
  const entries = Object.entries(typeof values === "object" && values !== null ? values : {});
  return Object.fromEntries(
    entries.map(([name, value]: [string, unknown]) => [
      name,
      String(Array.isArray(value) ? value.at(-1) : value),
    ]),
  );
}
