/** Every behaviour over every face: what holds on one holds on all. */
import { after, before, describe, test } from "node:test";
import { WebSocketPeer } from "../support/web-socket-peer.ts";
import { behaviours } from "./behaviours.ts";
import { type BehaviourClient, grpcStatusOf, httpStatusOf, type StatusOf } from "./client.ts";
import { graphqlClient } from "./graphql-client.ts";
import { grpcClient } from "./grpc-client.ts";
import { restClient } from "./rest-client.ts";
import { rpcClient } from "./rpc-client.ts";
import { type BehaviourServer, startBehaviourServer } from "./server.ts";
import { webTransports } from "./web-transports.ts";

interface FaceRow {
  readonly name: string;
  readonly statusOf: StatusOf;
  connect(port: number, key: string): BehaviourClient;
}

const faces: readonly FaceRow[] = [
  { name: "REST, JSON", statusOf: httpStatusOf, connect: (port, key) => restClient(port, "json", key) },
  { name: "REST, binary", statusOf: httpStatusOf, connect: (port, key) => restClient(port, "binary", key) },
  { name: "REST, CBOR", statusOf: httpStatusOf, connect: (port, key) => restClient(port, "cbor", key) },
  {
    name: "GraphQL, lists",
    statusOf: httpStatusOf,
    connect: (port, key) => graphqlClient(port, "lists", key),
  },
  {
    name: "GraphQL, base64",
    statusOf: httpStatusOf,
    connect: (port, key) => graphqlClient(port, "base64", key),
  },
  { name: "gRPC", statusOf: grpcStatusOf, connect: (port, key) => grpcClient(port, key) },
  ...webTransports.map(
    ({ name, transport, deadline }): FaceRow => ({
      name,
      statusOf: grpcStatusOf,
      connect: (port, key) => rpcClient({ transport: transport(`http://127.0.0.1:${port}`), key, deadline }),
    }),
  ),
  {
    name: "WebSocket",
    statusOf: grpcStatusOf,
    connect: (port, key) => grpcClient(port, key, new WebSocketPeer(port)),
  },
];

let server: BehaviourServer;
before(async () => {
  server = await startBehaviourServer();
});
after(() => server[Symbol.asyncDispose]());

for (const { name, statusOf, connect } of faces) {
  describe(name, () => {
    let client: BehaviourClient;
    before(() => {
      client = connect(server.port, server.keys.operator);
    });
    after(() => client[Symbol.asyncDispose]());
    for (const behaviour of behaviours) {
      test(behaviour.name, () => behaviour.run({ server, client, statusOf }));
    }
  });
}
