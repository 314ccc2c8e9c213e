/** What the server and its models are. Nothing of a model is looked up before a field of it is asked for. */
import { CupelError } from "@cupel/base";
import { authorise, type Policy } from "../../access/policy.ts";
import type { IndexEntry, ModelMetadata } from "../../core/metadata.ts";
import { serveErrors } from "../../errors.ts";
import { lookUp, type Operation } from "../operation.ts";
import { run } from "./run.ts";

export interface ModelSource {
  readonly name: string;
  readonly version: string | null;
}

interface NamedVersion {
  readonly model: string;
  readonly version?: string | null;
}

const mostEntries = 1_000;

export function modelResolvers(policy: Policy) {
  return {
    Query: {
      server(_root: unknown, _args: unknown, { service, call }: Operation) {
        authorise(policy, call.principal, "metadata");
        return { ...service.metadata(), isReady: service.isReady() };
      },
      models(
        _root: unknown,
        { ready, first }: { readonly ready?: boolean | null; readonly first: number },
        operation: Operation,
      ) {
        if (!(first >= 1 && first <= mostEntries)) {
          throw serveErrors.error("REQUEST_INVALID", `The argument "first" is 1 to ${mostEntries}.`);
        }
        const entries = operation.service.repositoryIndex(lookUp(operation));
        const wanted =
          (ready ?? null) === null ? entries : entries.filter(({ state }) => (state === "READY") === ready);
        return operation.work.list(wanted.slice(0, first));
      },
      model: (
        _root: unknown,
        { name, version }: { readonly name: string; readonly version?: string | null },
      ) => ({ name, version: version ?? null }) satisfies ModelSource,
      async statistics(_root: unknown, { model, version }: Partial<NamedVersion>, operation: Operation) {
        const told = await operation.facts.statistics(
          model ?? undefined,
          version ?? undefined,
          lookUp(operation),
        );
        return operation.work.list(told);
      },
    },
    Mutation: {
      async load(_root: unknown, { model }: NamedVersion, operation: Operation): Promise<ModelSource> {
        await run(operation, "load", "load", (call) => operation.service.loadModel(model, call));
        operation.facts.changed();
        return { name: model, version: null };
      },
      async unload(_root: unknown, { model }: NamedVersion, operation: Operation): Promise<ModelSource> {
        await run(operation, "unload", "unload", (call) => operation.service.unloadModel(model, call));
        operation.facts.changed();
        return { name: model, version: null };
      },
    },
    ModelEntry: {
      model: ({ name, version }: IndexEntry) => ({ name, version }) satisfies ModelSource,
    },
    Model: {
      isReady: ({ name, version }: ModelSource, _args: unknown, operation: Operation) =>
        operation.service.isModelReady(name, version ?? undefined, lookUp(operation)),
      metadata: ({ name, version }: ModelSource, _args: unknown, operation: Operation) =>
        operation.work.run(() => operation.facts.metadata(name, version ?? undefined, lookUp(operation))),
      statistics: ({ name, version }: ModelSource, _args: unknown, operation: Operation) =>
        operation.work.run(() => operation.facts.statistics(name, version ?? undefined, lookUp(operation))),
      report: ({ name, version }: ModelSource, _args: unknown, operation: Operation) =>
        operation.work.run(async (): Promise<unknown> => {
          try {
            const { bytes } = await operation.service.modelReport(
              name,
              version ?? undefined,
              lookUp(operation),
            );
            return JSON.parse(bytes.toString());
          } catch (thrown) {
            if (thrown instanceof CupelError && thrown.code === "REPORT_MISSING") return null;
            throw thrown;
          }
        }),
    },
    ModelMetadata: {
      properties: ({ properties }: ModelMetadata) =>
        Object.entries(properties).map(([name, value]) => ({ name, value })),
    },
  };
}
