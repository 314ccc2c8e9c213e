/** The clients that others wrote for Connect and gRPC-Web: those of connect-es, and the official one of gRPC-Web. */
import { createConnectTransport as createNodeTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import "../support/xml-http-request.ts";
import { OfficialClient } from "../support/official-grpc-web.ts";
import { connectDeadline, grpcDeadline, type RpcClientOptions, type RpcTransport } from "./rpc-client.ts";

interface WebTransport {
  readonly name: string;
  readonly deadline: RpcClientOptions["deadline"];
  transport(baseUrl: string): RpcTransport;
}

export const webTransports: readonly WebTransport[] = [
  {
    name: "Connect, binary, HTTP/2",
    deadline: connectDeadline,
    transport(baseUrl) {
      const sessionManager = new Http2SessionManager(baseUrl);
      const { unary } = createNodeTransport({ baseUrl, httpVersion: "2", sessionManager });
      return { unary, close: () => sessionManager.abort() };
    },
  },
  {
    name: "Connect, JSON, fetch",
    deadline: connectDeadline,
    transport: (baseUrl) => createConnectTransport({ baseUrl, useHttpGet: true }),
  },
  {
    name: "gRPC-Web, fetch",
    deadline: grpcDeadline,
    transport: (baseUrl) => createGrpcWebTransport({ baseUrl }),
  },
  {
    name: "gRPC-Web, official client",
    deadline: grpcDeadline,
    transport: (baseUrl) => new OfficialClient(baseUrl, "binary"),
  },
  {
    name: "gRPC-Web as text, official client",
    deadline: grpcDeadline,
    transport: (baseUrl) => new OfficialClient(baseUrl, "text"),
  },
];
