/**
 * The gRPC face: the Open Inference Protocol v2 as Triton's client speaks it, images in and answers out, health and
 * reflection. gRPC-Web and Connect are the same methods.
 */

import type { HandlerContext } from "@connectrpc/connect";
import { own } from "@cupel/base";
import type { Protocol } from "../connect/protocol.ts";
import type { Face, FaceOptions } from "../core/face.ts";
import { createGate, peerValues } from "./admitted-call.ts";
import { file_cupel_v1_vision, VisionService } from "./gen/cupel/v1/vision_pb.ts";
import { file_google_rpc_error_details } from "./gen/google/rpc/error_details_pb.ts";
import { file_grpc_health_v1_health, Health } from "./gen/grpc/health/v1/health_pb.ts";
import {
  file_grpc_reflection_v1_reflection,
  ServerReflection,
} from "./gen/grpc/reflection/v1/reflection_pb.ts";
import {
  file_grpc_reflection_v1alpha_reflection,
  ServerReflection as ServerReflectionAlpha,
} from "./gen/grpc/reflection/v1alpha/reflection_pb.ts";
import {
  file_inference_inference_service,
  GRPCInferenceService,
} from "./gen/inference/inference_service_pb.ts";
import { healthRoutes } from "./health-routes.ts";
import { inferenceActions, inferenceRoutes } from "./inference-routes.ts";
import { namedRefusal } from "./name-refusals.ts";
import { reflectionRoutes } from "./reflection-routes.ts";
import type { Face, FaceOptions } from "../core/face.ts";
import { createGate, peerValues } from "./admitted-call.ts";
import { nameRefusals } from "./name-refusals.ts";
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
    routes(router) {
      router.service(GRPCInferenceService, inferenceRoutes({ service, streamConcurrency, stopping: signal }));
      router.service(VisionService, visionRoutes({ service, streamConcurrency }));
      router.service(
        Health,
        healthRoutes({ service, hasService: (name) => names.has(name), stopping: signal }),
      );
      router.service(ServerReflection, reflectionRoutes(files, signal));
      router.service(ServerReflectionAlpha, reflectionRoutes(files, signal));
    },
    finish: (response) => nameRefusals(response, bodyLimit),
    routes: serviceRoutes({ service, streamConcurrency, stopping: stopping.signal }),
    failed: onError,
    stop: () => stopping.abort(),
  });
}
