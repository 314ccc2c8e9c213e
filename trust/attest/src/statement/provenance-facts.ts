/** What a reader asks of a provenance that `provenanceOf` made. One that somebody else made need not have it. */
import {
  type Fault,
  type JsonObject,
  jsonList,
  jsonObject,
  jsonText,
  member,
} from "../signature/json-members.ts";
import { compressionBuildType } from "./provenance.ts";
import { type Figures, readFigures } from "./report-figures.ts";

export interface ProvenanceFacts {
  /** The model that was compressed. */
  readonly source: { readonly name: string; readonly sha256: string };
  /** The one that was made, by its path in the folder. */
  readonly model: string;
  /** Versions. */
  readonly tool: { readonly cupel: string; readonly node: string; readonly engine: string };
  /** ISO 8601, UTC. */
  readonly finishedOn: string;
  readonly report: { readonly name: string; readonly sha256: string };
  /** Null when a program did it. */
  readonly command: string | null;
  readonly recipe: unknown;
  readonly figures: Figures | null;
}

/** Null where it is not of a compression, or not as Cupel writes it. */
export function provenanceFacts(predicate: JsonObject | null): ProvenanceFacts | null {
  const fault: Fault = (reason) => new Error(reason);
  const object = (parent: JsonObject, name: string) => jsonObject(member(parent, name), name, fault);
  const first = (parent: JsonObject, name: string) => {
    const [found] = jsonList(parent, name, fault);
    return jsonObject(found, name, fault);
  };
  const named = (found: JsonObject) => ({
    name: jsonText(found, "name", fault),
    sha256: jsonText(object(found, "digest"), "sha256", fault),
  });
  try {
    if (predicate === null) return null;
    const definition = object(predicate, "buildDefinition");
    if (member(definition, "buildType") !== compressionBuildType) return null;
    const parameters = object(definition, "externalParameters");
    const run = object(predicate, "runDetails");
    const versions = object(object(run, "builder"), "version");
    const report = first(run, "byproducts");
    const annotations = object(report, "annotations");
    const command = member(parameters, "command");
    return {
      source: named(first(definition, "resolvedDependencies")),
      model: jsonText(object(annotations, "model"), "file", fault),
      tool: {
        cupel: jsonText(versions, "cupel", fault),
        node: jsonText(versions, "node", fault),
        engine: jsonText(versions, "engine", fault),
      },
      finishedOn: jsonText(object(run, "metadata"), "finishedOn", fault),
      report: named(report),
      command: typeof command === "string" ? command : null,
      recipe: member(parameters, "recipe") ?? null,
      figures: readFigures(member(annotations, "figures")),
    };
  } catch {
    return null;
  }
}
