/** The client in Node.js. */
import { readFile } from "node:fs/promises";
import type { Platform } from "../faces/platform.ts";
import { createGraphqlFace } from "../graphql/graphql-face.ts";
import { createRestFace } from "../rest/rest-face.ts";
import { createRpcFace } from "../rpc/rpc-face.ts";
import { createHttp1Client } from "./http1-client.ts";
import { openTransport } from "./transports.ts";
import { openTrustedWebSockets } from "./web-sockets.ts";

export const nodePlatform: Platform = {
  faces: {
    "rest-json": (endpoint, options) => createRestFace(createHttp1Client(endpoint, options), "json"),
    "rest-binary": (endpoint, options) => createRestFace(createHttp1Client(endpoint, options), "binary"),
    grpc: (endpoint, options) => createRpcFace(openTransport("grpc", endpoint, options)),
    "grpc-web": (endpoint, options) => createRpcFace(openTransport("grpc-web", endpoint, options)),
    connect: (endpoint, options) => createRpcFace(openTransport("connect", endpoint, options)),
    websocket: (endpoint, options) => createRpcFace(openTrustedWebSockets(endpoint, options)),
    graphql: (endpoint, options) => createGraphqlFace(createHttp1Client(endpoint, options)),
  },
  readFile,
};
