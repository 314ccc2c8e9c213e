/** A path of the REST face: what answers it, and how the OpenAPI document shows it. */
import type { TSchema } from "typebox";
import type { Answer, Exchange } from "./exchange.ts";
import type { schemas } from "./schema/schemas.ts";

export type SchemaName = keyof typeof schemas;

/** A body that is a schema's, or bytes that no schema describes. */
export type Body = SchemaName | "bytes";

/** Of the query or the header; its schema describes it. */
export interface Parameter {
  readonly name: string;
  readonly schema: TSchema;
}

export interface Operation {
  /** Unique; in OpenAPI's `operationId`. */
  readonly id: string;
  readonly tag: "Server" | "Models" | "Inference" | "Repository" | "Documentation";
  readonly summary: string;
  readonly description: string;
  readonly query?: readonly Parameter[];
  readonly headers?: readonly Parameter[];
  /** By media type. */
  readonly request?: Readonly<Record<string, Body>>;
  /** Whether the request may have no body. */
  readonly mayBeEmpty?: boolean;
  /** Of status 200, by media type; empty where it has no body. */
  readonly response: Readonly<Record<string, Body>>;
  /** HTTP statuses of the errors it is likely to answer, besides those that all paths may. */
  readonly errors: readonly number[];
}

export interface Route {
  readonly method: "GET" | "POST";
  /** With its open parts as OpenAPI writes them: `/v2/models/{model}`. */
  readonly path: string;
  /** What admission and metrics call it. */
  readonly action: string;
  readonly operation: Operation;
  answer(exchange: Exchange): Answer | Promise<Answer>;
}

/** A route of a model, and the same of one version of it. @param path after the model: "/infer" */
export function modelRoutes(path: string, route: Omit<Route, "path">): Route[] {
  const { operation } = route;
  return [
    { ...route, path: `/v2/models/{model}${path}` },
    {
      ...route,
      path: `/v2/models/{model}/versions/{version}${path}`,
      operation: {
        ...operation,
        id: `${operation.id}OfVersion`,
        summary: `${operation.summary}, of a version`,
      },
    },
  ];
}

export function jsonAnswer(value: unknown): Answer {
  return { type: "application/json", body: JSON.stringify(value) };
}
