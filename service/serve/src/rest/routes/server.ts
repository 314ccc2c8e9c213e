/** Is the server alive and ready, and what is it? */
import { jsonAnswer, type Route } from "../route.ts";

export const serverRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v2",
    action: "metadata",
    operation: {
      id: "serverMetadata",
      tag: "Server",
      summary: "Server metadata",
      description: "The name and version of the server and the extensions of the protocol it has.",
      response: { "application/json": "ServerMetadata" },
      errors: [],
    },
    answer: ({ service }) => jsonAnswer(service.metadata()),
  },
  {
    method: "GET",
    path: "/v2/health/live",
    action: "live",
    operation: {
      id: "serverLive",
      tag: "Server",
      summary: "Server live",
      description: "Whether the server answers at all.",
      response: {},
      errors: [],
    },
    answer: () => ({}),
  },
  {
    method: "GET",
    path: "/v2/health/ready",
    action: "ready",
    operation: {
      id: "serverReady",
      tag: "Server",
      summary: "Server ready",
      description: "200 when every model it is asked to serve is ready, else 503.",
      response: {},
      errors: [503],
    },
    answer: ({ service }) => ({ status: service.isReady() ? 200 : 503 }),
  },
];
