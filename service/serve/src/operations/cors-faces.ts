/** The faces as pages of other origins may call them: one more that answers preflights, and headers on every answer. */
import type { Face, FaceRequest } from "../core/face.ts";
import { headerOf } from "../core/header-of.ts";
import { type CorsDecision, type CorsPolicy, decideCors } from "./cors.ts";

/** Whose answers nobody else's pages may read stay as they are. The faces are disposed by whoever made them. */
export function withCors(faces: readonly Face[], policy: CorsPolicy): readonly Face[] {
  if (policy.origins.length === 0) return faces;
  const decide = (request: FaceRequest): CorsDecision =>
    decideCors(policy, {
      method: request.method ?? "",
      header: (name) => headerOf(request, name),
    });
  const preflights: Face = {
    takes: (request) => decide(request).isPreflight,
    handle(request, response) {
      response.statusCode = 204;
      for (const [name, value] of Object.entries(decide(request).headers)) response.setHeader(name, value);
      response.end();
    },
    async [Symbol.asyncDispose]() {},
  };
  const told = faces.map(
    (face): Face => ({
      takes: (request) => face.takes(request),
      streams: (request) => face.streams?.(request) ?? false,
      handle(request, response) {
        // What the face writes is added to these: both servers of Node keep them.
        for (const [name, value] of Object.entries(decide(request).headers)) response.setHeader(name, value);
        face.handle(request, response);
      },
      upgrades: (request) => face.upgrades?.(request) ?? false,
      upgrade: (...upgraded) => face.upgrade?.(...upgraded),
      stop: () => face.stop?.(),
      [Symbol.asyncDispose]: () => face[Symbol.asyncDispose](),
    }),
  );
  return [preflights, ...told];
}
