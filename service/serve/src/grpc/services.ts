/** The services and their methods, whichever protocol carries them, and what admission calls each method. */
import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import { own } from "@cupel/base";
import type { InferenceService } from "../core/inference-service.ts";
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
import { reflectionRoutes } from "./reflection-routes.ts";
import { visionActions, visionRoutes } from "./vision-routes.ts";

export interface ServicesOptions {
  readonly service: InferenceService;
  /** Requests of one stream that are answered at once. */
  readonly streamConcurrency: number;
  /** Fires when the server takes nothing new. */
  readonly stopping: AbortSignal;
}

/** Those of the services, and of the details of errors. */
const files = [
  file_google_rpc_error_details,
  file_inference_inference_service,
  file_cupel_v1_vision,
  file_grpc_health_v1_health,
  file_grpc_reflection_v1_reflection,
  file_grpc_reflection_v1alpha_reflection,
];

/** Health is open as `live` is. */
const actions: Readonly<Record<string, Readonly<Record<string, string>> | string>> = {
  [GRPCInferenceService.typeName]: inferenceActions,
  [VisionService.typeName]: visionActions,
  [Health.typeName]: "live",
  [ServerReflection.typeName]: "metadata",
  [ServerReflectionAlpha.typeName]: "metadata",
};

export function serviceRoutes(options: ServicesOptions): (router: ConnectRouter) => void {
  const { service, stopping } = options;
  const names = new Set(files.flatMap((file) => file.services.map(({ typeName }) => typeName)));
  return (router) => {
    router.service(GRPCInferenceService, inferenceRoutes(options));
    router.service(VisionService, visionRoutes(options));
    router.service(Health, healthRoutes({ service, hasService: (name) => names.has(name), stopping }));
    router.service(ServerReflection, reflectionRoutes(files, stopping));
    router.service(ServerReflectionAlpha, reflectionRoutes(files, stopping));
  };
}

export function actionOf({ service, method }: HandlerContext): string {
  const row = own(actions, service.typeName)!;
  return typeof row === "string" ? row : row[method.name]!;
}
