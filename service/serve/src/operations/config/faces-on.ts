/** Which faces a configuration has the server speak: a row each. */
import { type FaceName, faceNames } from "../../core/call.ts";
import type { ServeConfig } from "./config-schema.ts";

const isOn: Readonly<Record<FaceName, (config: ServeConfig) => boolean>> = {
  rest: () => true,
  grpc: () => true,
  "grpc-web": ({ faces }) => faces.grpcWeb,
  connect: ({ faces }) => faces.connect,
  websocket: ({ faces }) => faces.websocket,
  graphql: ({ faces }) => faces.graphql,
  admin: ({ admin }) => admin.enabled,
};

export function facesOn(config: ServeConfig): ReadonlySet<FaceName> {
  return new Set(faceNames.filter((name) => isOn[name](config)));
}
