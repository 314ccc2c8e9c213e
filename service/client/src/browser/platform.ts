/** The client in a browser: fetch, and connections that the browser pools itself. */
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import type { Platform } from "../faces/platform.ts";
import { createGraphqlFace } from "../graphql/graphql-face.ts";
import { createRestFace } from "../rest/rest-face.ts";
import { createRpcFace, type OwnedTransport } from "../rpc/rpc-face.ts";
import { openWebSockets } from "../websocket/owned-transport.ts";
import { createFetchClient } from "./fetch-client.ts";

/** The browser ends its connections itself, and fetch cannot send while it receives. */
const owned = (transport: OwnedTransport["transport"]): OwnedTransport => ({
  transport,
  isBidirectional: false,
  [Symbol.dispose]() {},
});

export const browserPlatform: Platform = {
  faces: {
    "rest-json": (endpoint, options) => createRestFace(createFetchClient(endpoint, options), "json"),
    "rest-binary": (endpoint, options) => createRestFace(createFetchClient(endpoint, options), "binary"),
    "grpc-web": ({ href }) =>
      createRpcFace(owned(createGrpcWebTransport({ baseUrl: href, useBinaryFormat: true }))),
    connect: ({ href }) =>
      createRpcFace(owned(createConnectTransport({ baseUrl: href, useBinaryFormat: true }))),
    websocket: (endpoint, options) => createRpcFace(openWebSockets(endpoint, options)),
    graphql: (endpoint, options) => createGraphqlFace(createFetchClient(endpoint, options)),
  },
  readFile: null,
};
