/**
 * The OpenAPI 3.1 document of the REST face, made from its routes and from the very schemas that validate bodies: what it
 * says is what is done.
 */
import { own, setOwn } from "@cupel/base";
import type { ServerMetadata } from "../core/metadata.ts";
import { problemType } from "../core/problem-details.ts";
import { contentEncodings } from "../http/body-limit.ts";
import type { Body, Operation, Parameter, Route } from "./route.ts";
import { schemas } from "./schema/schemas.ts";

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  /** By path and method. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: Readonly<Record<string, unknown>>;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly OpenApiParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, OpenApiResponse>>;
}

export interface OpenApiParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description: string;
  readonly schema: unknown;
}

export interface OpenApiResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Content;
}

type Content = Readonly<Record<string, { readonly schema?: unknown }>>;

const tags: Readonly<Record<Operation["tag"], string>> = {
  Server: "The server itself: what it is, whether it is alive and ready.",
  Models: "What models take and give, and how they do.",
  Inference: "Tensors or images in, answers out.",
  Repository: "The models on the server: which there are, load, unload.",
  Documentation: "This document.",
};

/** What a status means, whatever the path. */
const statuses: Readonly<Record<number, string>> = {
  400: "The request is malformed.",
  403: "The caller may not do this.",
  404: "There is no such model, version or path.",
  406: "The answer has no form among those asked for.",
  413: "The body is larger, after decompression, than the server takes.",
  415: "The content type or content encoding is not taken.",
  422: "The request is well formed, but the model cannot do it.",
  429: "As many requests as the server takes are waiting. Come back after Retry-After.",
  503: "Not ready now. Come back after Retry-After.",
  504: "The deadline passed.",
};

const retryAfter = {
  "Retry-After": {
    description: "Seconds after which to come back.",
    schema: { type: "integer", minimum: 1 },
  },
};

export function openApiDocument(
  routes: readonly Route[],
  { name, version }: ServerMetadata,
): OpenApiDocument {
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const route of routes) {
    const operations = own(paths, route.path) ?? {};
    operations[route.method.toLowerCase()] = operationOf(route);
    setOwn(paths, route.path, operations);
  }
  const document: OpenApiDocument = {
    openapi: "3.1.0",
    info: {
      title: `${name} inference server`,
      version,
      summary: "ONNX models over the Open Inference Protocol v2.",
      description: `Inference over REST. Tensors travel as JSON, as bytes behind JSON, or as CBOR; images as they are. Bodies may be compressed (${contentEncodings.join(", ")}). Errors are problem details (RFC 9457) with a stable code.`,
      license: { name: "Apache 2.0", identifier: "Apache-2.0" },
      contact: { name: "The Cupel authors", url: "https://github.com/cupel-vision/cupel" },
    },
    servers: [{ url: "/" }],
    tags: Object.entries(tags).map(([tag, description]) => ({ name: tag, description })),
    paths,
    components: { schemas },
  };
  return document;
}

function operationOf({ path, operation }: Route): OpenApiOperation {
  const { id, tag, summary, description, query = [], headers = [], request, mayBeEmpty = false } = operation;
  return {
    operationId: id,
    tags: [tag],
    summary,
    description,
    parameters: [
      ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => pathParameter(name)),
      ...query.map((parameter) => parameterOf(parameter, "query")),
      ...headers.map((parameter) => parameterOf(parameter, "header")),
    ],
    ...(request === undefined ? {} : { requestBody: { required: !mayBeEmpty, content: contentOf(request) } }),
    responses: responsesOf(operation),
  };
}

function responsesOf({ response, errors }: Operation): Record<string, OpenApiResponse> {
  const content = contentOf(response);
  const isEmpty = Object.keys(response).length === 0;
  const problem: Content = { [problemType]: { schema: { $ref: "#/components/schemas/Problem" } } };
  return {
    200: {
      description: isEmpty ? "Yes, or done; without a body." : "The answer.",
      ...(isEmpty ? {} : { content }),
    },
    ...Object.fromEntries(
      errors.map((status) => [
        status,
        {
          description: statuses[status] ?? "Refused.",
          ...(status === 429 || status === 503 ? { headers: retryAfter } : {}),
          content: problem,
        },
      ]),
    ),
    default: { description: "Any other error; its code says which.", content: problem },
  };
}

function contentOf(bodies: Readonly<Record<string, Body>>): Content {
  return Object.fromEntries(
    Object.entries(bodies).map(([type, body]) => [
      type,
      // OpenAPI 3.1: bytes of a media type need no schema.
      body === "bytes" ? {} : { schema: { $ref: `#/components/schemas/${body}` } },
    ]),
  );
}

const pathParameters: Readonly<Record<string, string>> = {
  model: "Name of the model.",
  version: "A version of it, such as 1. Without: the current one.",
};

function pathParameter(name: string): OpenApiParameter {
  return {
    name,
    in: "path",
    required: true,
    description: own(pathParameters, name) ?? name,
    schema: { type: "string", minLength: 1 },
  };
}

function parameterOf({ name, schema }: Parameter, place: "query" | "header"): OpenApiParameter {
  const { description, ...rest } = { description: "", ...schema };
  return { name, in: place, required: false, description, schema: rest };
}
