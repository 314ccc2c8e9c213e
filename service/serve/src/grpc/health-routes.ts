/** The health service: whether the server, or one of its services, takes calls. */
import { setTimeout as wait } from "node:timers/promises";
import type { ServiceImpl } from "@connectrpc/connect";
import type { InferenceService } from "../core/inference-service.ts";
import { serveErrors } from "../errors.ts";
import { answer, answerMany } from "./admitted-call.ts";
import { type Health, HealthCheckResponse_ServingStatus as Status } from "./gen/grpc/health/v1/health_pb.ts";

export interface HealthRoutesOptions {
  readonly service: InferenceService;
  /** Whether the server has a service of that full name. */
  hasService(name: string): boolean;
  readonly stopping: AbortSignal;
}

/** How often a watched state is looked at, in ms. */
const watchMs = 250;

export function healthRoutes({
  service,
  hasService,
  stopping,
}: HealthRoutesOptions): ServiceImpl<typeof Health> {
  const statusOf = (name: string): Status => {
    if (name !== "" && !hasService(name)) return Status.SERVICE_UNKNOWN;
    return service.isReady() && !stopping.aborted ? Status.SERVING : Status.NOT_SERVING;
  };
  return {
    check: (request, context) =>
      answer(context, () => {
        const status = statusOf(request.service);
        if (status !== Status.SERVICE_UNKNOWN) return { status };
        throw serveErrors.error("SERVICE_UNKNOWN", `The server has no service "${request.service}".`);
      }),
    watch: (request, context) =>
      answerMany(context, async function* (call) {
        const over = AbortSignal.any([call.signal, stopping]);
        let told: Status | null = null;
        for (;;) {
          const status = statusOf(request.service);
          if (status !== told) yield { status };
          told = status;
          if (over.aborted) return;
          await wait(watchMs, undefined, { signal: over, ref: false }).catch(() => {});
        }
      }),
  };
}
