/** `/`: the console where one is plugged in, for people; for programs, and without it, where else to look. */
import { preferredType } from "../../http/content-type.ts";
import { pageAnswer } from "../page-answer.ts";
import { jsonAnswer, type Route } from "../route.ts";

/** Paths that a browser may open, and what they are. */
const paths = {
  "/docs": "What the REST face takes, for people.",
  "/openapi.json": "The same for programs, as OpenAPI 3.1.",
  "/v2": "What the server is.",
  "/v2/health/ready": "Whether every model that is to be served is ready.",
};

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
        "A page that shows what the server does and tries a model on an image. It asks the other paths here for all that it shows, with the rights of whoever looks at it. As JSON, the paths to begin with.",
      response: { "application/json": "PathIndex", "text/html": "bytes" },
      errors: [],
    },
    async answer({ pages, header }) {
      const type = preferredType(header("accept"), ["application/json", "text/html"]);
      return pages !== null && type === "text/html"
        ? pageAnswer(await pages.console())
        : jsonAnswer({ paths });
    },
  },
];
