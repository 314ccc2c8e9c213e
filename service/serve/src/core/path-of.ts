/** Which path a request asks for, and the answer where there is none of it: the same on every face and on none. */
import type { CupelError } from "@cupel/base";
import { serveErrors } from "../errors.ts";
import type { FaceRequest } from "./face.ts";

/** Without its query, which may hold a key. */
export function pathOf({ url = "/" }: FaceRequest): string {
  return url.split("?", 1)[0] ?? "/";
}

/** ROUTE_UNKNOWN */
export function unknownRoute(path: string): CupelError {
  return serveErrors.error("ROUTE_UNKNOWN", `There is no path "${path}". GET /openapi.json lists them.`, {
    details: { path },
  });
}
