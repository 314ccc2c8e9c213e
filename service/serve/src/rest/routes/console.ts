/** `/`: the console where one is plugged in, for people; for programs, and without it, where else to look. */
import type { FaceName } from "../../core/call.ts";
import { preferredType } from "../../http/content-type.ts";
import { pageAnswer } from "../page-answer.ts";
import { jsonAnswer, type Route } from "../route.ts";

/** Where to begin, by the face that answers there: those of gRPC's methods are told by reflection. */
const paths: readonly (readonly [FaceName, path: string, meaning: string])[] = [
  ["rest", "/docs", "What the REST face takes, for people."],
  ["rest", "/openapi.json", "The same for programs, as OpenAPI 3.1."],
  ["rest", "/v2", "What the server is."],
  ["rest", "/v2/health/ready", "Whether every model that is to be served is ready."],
  ["graphql", "/graphql", "Models, runs and subscriptions as a graph: GET ?query=, or POST."],
  ["admin", "/metrics", "Counts and times, for Prometheus."],
];

export const consoleRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/",
    action: "console",
    operation: {
      id: "console",
      tag: "Documentation",
      summary: "Console",
      description:
        "A page that shows what the server does and tries a model on an image. It asks the other paths here for all that it shows, with the rights of whoever looks at it. As JSON, the faces of the server and the paths to begin with.",
      response: { "application/json": "PathIndex", "text/html": "bytes" },
      errors: [],
    },
    async answer({ pages, faces, header }) {
      const type = preferredType(header("accept"), ["application/json", "text/html"]);
      return pages !== null && type === "text/html"
        ? pageAnswer(await pages.console())
        : jsonAnswer({ faces: [...faces], paths: pathsOf(faces) });
    },
  },
];

function pathsOf(faces: ReadonlySet<FaceName>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    paths.filter(([face]) => faces.has(face)).map(([, path, meaning]) => [path, meaning]),
  );
}
