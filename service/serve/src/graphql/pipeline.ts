/**
 * From a document to its answer, by graphql-yoga:
 *
 *     scan -> parse -> measure -> validate -> cost -> execute -> errors by the table -> JSON, events or parts
 *
 * Requests are read and answers are sent by the face; yoga is handed native objects of the Fetch API without a body.
 */

import { useDeferStream } from "@graphql-yoga/plugin-defer-stream";
import {
  type DocumentNode,
  type ExecutionResult,
  NoSchemaIntrospectionCustomRule,
  parse,
  Source,
} from "graphql";
import { createYoga, isAsyncIterable, type Plugin } from "graphql-yoga";
import type { Policy } from "../access/policy.ts";
import { createDocumentCache, nothingKept } from "./document-cache.ts";
import { toldErrors } from "./graphql-error.ts";
import { assertCost } from "./limits/cost.ts";
import type { DocumentLimits } from "./limits/limits.ts";
import { measureDocument } from "./limits/measure-document.ts";
import { scanSource } from "./limits/scan-source.ts";
import type { Operation } from "./operation.ts";
import type { GraphqlParams } from "./read-request.ts";
import { graphqlSchema } from "./schema.ts";
import { toldTiming } from "./timing.ts";

export interface PipelineOptions {
  readonly policy: Policy;
  readonly introspection: boolean;
  readonly limits: DocumentLimits;
}

/** What the face hands over with a request. */
export interface Given {
  readonly operation: Operation;
  readonly params: GraphqlParams;
}

/** @returns the answer to a request, whose body streams where it is one of events or parts */
export type Pipeline = (request: Request, given: Given) => Promise<Response>;

export const graphqlPath = "/graphql";

export function createPipeline(options: PipelineOptions): Pipeline {
  const { policy, introspection, limits } = options;
  const yoga = createYoga<Given, Operation>({
    schema: graphqlSchema(policy),
    context: ({ operation }: Given) => operation,
    graphqlEndpoint: graphqlPath,
    fetchAPI: { Request, Response, Headers, ReadableStream, TextEncoder, URL, URLSearchParams },
    graphiql: false,
    landingPage: false,
    cors: false,
    batching: false,
    multipart: false,
    logging: false,
    // Errors are told by one table, below.
    maskedErrors: false,
    maxRequestBodySize: false,
    parserAndValidationCache: { documentCache: createDocumentCache(), errorCache: nothingKept },
    plugins: [
      useGivenParams(),
      useLimits(limits, introspection),
      useSignal(),
      useDeferStream(),
      useTold(!introspection),
    ],
  });
  return async (request, given) => await yoga.fetch(request, given);
}

type YogaPlugin = Plugin<Record<never, never>, Given, Operation>;

function useGivenParams(): YogaPlugin {
  return {
    onRequestParse: ({ serverContext, setRequestParser }) =>
      setRequestParser(() => ({ ...serverContext.params })),
  };
}

function useLimits({ depth, cost }: DocumentLimits, introspection: boolean): YogaPlugin {
  const parseWithin = (text: string | Source): DocumentNode => {
    const source = typeof text === "string" ? new Source(text) : text;
    scanSource(source);
    const document = parse(source);
    measureDocument(document, depth);
    return document;
  };
  return {
    onParse: ({ setParseFn }) => setParseFn(parseWithin),
    onValidate({ addValidationRule }) {
      if (!introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
    },
    onExecute: ({ args }) => assertCost({ ...args, variables: args.variableValues ?? {} }, cost),
    onSubscribe: ({ args }) => assertCost({ ...args, variables: args.variableValues ?? {} }, cost),
  };
}

/** The executor heeds it: no resolver begins after it has fired. */
function useSignal(): YogaPlugin {
  const heed = ({ args }: { args: { contextValue: unknown } }) => {
    const { work } = args.contextValue as Operation;
    Object.assign(args, { signal: work.signal });
  };
  return { onExecute: heed, onSubscribe: heed };
}

/** Every result leaves with its errors told by the table, and with times where they were asked for. */
function useTold(hidesNames: boolean): YogaPlugin {
  return {
    onResultProcess({ result, setResult, serverContext }) {
      const { operation } = serverContext;
      const told = (each: ExecutionResult): ExecutionResult => {
        const timing = toldTiming(operation);
        const extensions = timing === null ? {} : { extensions: { ...each.extensions, timing } };
        const { errors = [] } = each;
        if (errors.length === 0) return { ...each, ...extensions };
        const isRefusal = (each.data ?? null) === null && !("incremental" in each);
        const { errors: public_, first } = toldErrors(errors, {
          signal: operation.call.signal,
          isRefusal,
          hidesNames,
        });
        // What failed beside an answer is a run, which has a record of its own.
        if (isRefusal) operation.call.failed?.(first);
        return { ...each, errors: public_, ...extensions };
      };
      if (Array.isArray(result)) throw new TypeError("lists of operations are not taken");
      setResult(isAsyncIterable(result) ? mapped(result, told) : told(result));
    },
  };
}

async function* mapped<T>(results: AsyncIterable<T>, map: (result: T) => T): AsyncGenerator<T> {
  for await (const result of results) yield map(result);
}
