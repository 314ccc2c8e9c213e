/** A face that pages of other origins may call: preflights are answered before it, and its answers say who may read them. */
import type { Face } from "../core/face.ts";
import { type CorsPolicy, decideCors } from "../operations/cors.ts";

/** @returns the face itself where no origin may call it */
export function withCors(face: Face, policy: CorsPolicy): Face {
  if (policy.origins.length === 0) return face;
  return {
    takes: (request) => face.takes(request),
    streams: (request) => face.streams?.(request) ?? false,
    handle(request, response) {
      const { headers, isPreflight } = decideCors(policy, {
        method: request.method ?? "",
        header(name) {
          const value = request.headers[name];
          return Array.isArray(value) ? value.join(", ") : value;
        },
      });
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      if (!isPreflight) return face.handle(request, response);
      response.statusCode = 204;
      response.end();
    },
    [Symbol.asyncDispose]: () => face[Symbol.asyncDispose](),
  };
}
