/**
 * The gRPC face: the Open Inference Protocol v2 as Triton's client speaks it, images in and answers out, health and
 * reflection. gRPC-Web and Connect are the same methods.
 */

import type { Protocol } from "../connect/protocol.ts";
import type { Face, FaceOptions } from "../core/face.ts";
import { createGate, peerValues } from "./admitted-call.ts";
import { namedRefusal } from "./name-refusals.ts";
import { createRouterFace } from "./router-face.ts";
import { actionOf, serviceRoutes } from "./services.ts";

export interface GrpcFaceOptions extends FaceOptions {
  /** Requests of one ModelStreamInfer, or images of one PredictEach, that are answered at once. Default 8. */
  readonly streamConcurrency?: number | undefined;
  /** What is spoken beside gRPC. Default: gRPC-Web and Connect. */
  readonly protocols?: readonly Protocol[] | undefined;
  /** Told of an answer that could not be written though its client is there: a defect. */
  onError(error: unknown): void;
}

export function createGrpcFace(options: GrpcFaceOptions): Face {
  const { service, admission, bodyLimit, streamConcurrency = 8, onError } = options;
  const { protocols = ["grpc-web", "connect"] } = options;
  const stopping = new AbortController();
  return createRouterFace({
    bodyLimit,
    protocols,
    naming: (error) => namedRefusal(error, bodyLimit),
    router: { requestGate: createGate(admission, actionOf) },
    contextValues: peerValues,
    routes: serviceRoutes({ service, streamConcurrency, stopping: stopping.signal }),
    failed: onError,
    stop: () => stopping.abort(),
  });
}
