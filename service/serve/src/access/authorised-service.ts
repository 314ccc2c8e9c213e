/** The service for who may use it: every method asks the policy first, and the index lists what the caller may see. */
import type { InferenceService } from "../core/inference-service.ts";
import { authorise, type Policy } from "./policy.ts";

/**
 * Written out method by method: a method that the service gains does not compile here until somebody has said who may
 * call it. `metadata` and `isReady` are of the server; the door asks for them.
 */
export function withAuthorisation(service: InferenceService, policy: Policy): InferenceService {
  return {
    noRoom(asked, call) {
      authorise(policy, call.principal, asked.action, asked.model);
      return service.noRoom(asked, call);
    },
    async infer(request, call) {
      authorise(policy, call.principal, "infer", request.model);
      return await service.infer(request, call);
    },
    async predict(request, call) {
      authorise(policy, call.principal, "predict", request.model);
      return await service.predict(request, call);
    },
    metadata: () => service.metadata(),
    modelMetadata(model, version, call) {
      authorise(policy, call.principal, "metadata", model);
      return service.modelMetadata(model, version, call);
    },
    async modelReport(model, version, call) {
      authorise(policy, call.principal, "metadata", model);
      return await service.modelReport(model, version, call);
    },
    isReady: () => service.isReady(),
    isModelReady(model, version, call) {
      authorise(policy, call.principal, "ready", model);
      return service.isModelReady(model, version, call);
    },
    repositoryIndex: (call) =>
      service.repositoryIndex(call).filter(({ name }) => policy.allows(call.principal, "index", name)),
    async loadModel(model, call) {
      authorise(policy, call.principal, "load", model);
      await service.loadModel(model, call);
    },
    async unloadModel(model, call) {
      authorise(policy, call.principal, "unload", model);
      await service.unloadModel(model, call);
    },
    statistics(model, version, call) {
      if (model !== undefined) authorise(policy, call.principal, "stats", model);
      return service
        .statistics(model, version, call)
        .filter((each) => policy.allows(call.principal, "stats", each.model));
    },
  };
}
