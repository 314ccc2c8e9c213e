/**
 * The bodies of the REST face as JSON Schema 2020-12, by their names in the OpenAPI document: they validate what
 * arrives, and they describe it.
 */
import { inferenceSchemas } from "./inference.ts";
import { metadataSchemas } from "./metadata.ts";
import { predictSchemas } from "./predict.ts";
import { problemSchemas } from "./problem.ts";
import { repositorySchemas } from "./repository.ts";

export const schemas = {
  ...metadataSchemas,
  ...inferenceSchemas,
  ...predictSchemas,
  ...repositorySchemas,
  ...problemSchemas,
};
