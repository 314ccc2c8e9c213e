/** What the page of websocket.test.ts gets. */
import { createClient } from "@connectrpc/connect";
import { createWebSocketTransport } from "../../../client/src/websocket/transport.ts";
import { GRPCInferenceService } from "../../src/grpc/gen/inference/inference_service_pb.ts";

export const client = (baseUrl: string) =>
  createClient(GRPCInferenceService, createWebSocketTransport({ baseUrl }));
