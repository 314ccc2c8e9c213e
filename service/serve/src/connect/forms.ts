/** The forms, by protocol. */
import { grpcForm } from "../grpc/grpc-form.ts";
import { connectForm } from "./connect-form.ts";
import { grpcWebForm } from "./grpc-web-form.ts";
import type { Protocol } from "./protocol.ts";
import type { ProtocolForm } from "./protocol-form.ts";

export const forms: Readonly<Record<Protocol, ProtocolForm>> = {
  grpc: grpcForm,
  "grpc-web": grpcWebForm,
  connect: connectForm,
};
