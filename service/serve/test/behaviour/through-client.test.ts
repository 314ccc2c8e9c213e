/**
 * The same behaviours through @cupel/client, over every face that it speaks; in a short run over one of HTTP and one of
 * sockets.
 */
import { after, before, describe, test } from "node:test";
import type { FaceName } from "@cupel/client";
import { behaviours } from "./behaviours.ts";
import { type BehaviourClient, grpcStatusOf, httpStatusOf, type StatusOf } from "./client.ts";
import { cupelClient } from "./cupel-client.ts";
import { type BehaviourServer, startBehaviourServer } from "./server.ts";

const faces: readonly { readonly face: FaceName; readonly statusOf: StatusOf }[] = [
  { face: "rest-json", statusOf: httpStatusOf },
  { face: "rest-binary", statusOf: httpStatusOf },
  { face: "grpc", statusOf: grpcStatusOf },
  { face: "grpc-web", statusOf: grpcStatusOf },
  { face: "connect", statusOf: grpcStatusOf },
  { face: "websocket", statusOf: grpcStatusOf },
  { face: "graphql", statusOf: httpStatusOf },
];

const isLong = process.env.CUPEL_LONG_TESTS === "1";
const short = new Set<FaceName>(["rest-binary", "websocket"]);

let server: BehaviourServer;
before(async () => {
  server = await startBehaviourServer();
});
after(() => server[Symbol.asyncDispose]());

for (const { face, statusOf } of faces) {
  describe(face, { skip: isLong || short.has(face) ? false : "CUPEL_LONG_TESTS=1 runs it" }, () => {
    let client: BehaviourClient;
    before(() => {
      client = cupelClient(face, server.port, server.keys.operator, statusOf);
    });
    after(() => client[Symbol.asyncDispose]());
    for (const behaviour of behaviours) {
      test(behaviour.name, () => behaviour.run({ server, client, statusOf }));
    }
  });
}
