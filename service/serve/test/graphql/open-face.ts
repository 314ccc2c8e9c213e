/** A GraphQL face behind plain servers of Node, HTTP/1.1 and HTTP/2, with a service that answers without an engine. */
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import type { InferenceService } from "@cupel/serve";
import { type AdmissionOptions, createAdmission } from "../../src/access/create-admission.ts";
import { openPolicy } from "../../src/access/policy.ts";
import { createGraphqlFace, type GraphqlFaceOptions } from "../../src/graphql/face.ts";
import { silentInstruments } from "../../src/operations/instruments.ts";
import { EchoService } from "../support/echo-service.ts";

export interface OpenFace extends AsyncDisposable {
  readonly service: EchoService;
  readonly url: string;
  /** Of HTTP/2 without TLS. */
  readonly origin2: string;
  stop(): void;
  /** POSTs JSON. */
  ask(query: string, variables?: object, headers?: Readonly<Record<string, string>>): Promise<Answered>;
  /** As it is said; a text is a body of JSON. */
  send(init: RequestInit, query?: string): Promise<Answered>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly data: unknown;
  /** Of the errors, in their order. */
  readonly codes: readonly string[];
  readonly messages: readonly string[];
  readonly extensions: unknown;
}

export interface OpenOptions extends Partial<Omit<GraphqlFaceOptions, "service">> {
  /** In place of methods of the echo service. */
  readonly over?: Partial<InferenceService>;
  readonly access?: AdmissionOptions;
}

const graphqlJson = "application/graphql-response+json";

export async function openGraphqlFace({
  over = {},
  access = {},
  ...options
}: OpenOptions = {}): Promise<OpenFace> {
  const echo = new EchoService();
  const service = Object.assign(echo, over);
  const face = createGraphqlFace({
    service,
    admission: createAdmission(access),
    instruments: silentInstruments,
    bodyLimit: 2 ** 24,
    policy: openPolicy,
    index: () => service.repositoryIndex(),
    ...options,
  });
  const http1 = createServer((request, response) => face.handle(request, response));
  const http2 = createHttp2((request, response) => face.handle(request, response));
  const url = `http://127.0.0.1:${await listening(http1)}/graphql`;
  const origin2 = `http://127.0.0.1:${await listening(http2)}`;
  const send = async (init: RequestInit, query = ""): Promise<Answered> => {
    const response = await fetch(`${url}${query}`, init);
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    const { data, errors = [], extensions } = isJson ? JSON.parse(text) : {};
    return {
      status: response.status,
      headers: response.headers,
      text,
      data,
      codes: errors.map((each: { extensions?: { code?: string } }) => each.extensions?.code ?? ""),
      messages: errors.map(({ message }: Error) => message),
      extensions,
    };
  };
  return {
    service,
    url,
    origin2,
    stop: () => face.stop?.(),
    send,
    ask: (query, variables = {}, headers = {}) =>
      send({
        method: "POST",
        headers: { "content-type": "application/json", accept: graphqlJson, ...headers },
        body: JSON.stringify({ query, variables }),
      }),
    async [Symbol.asyncDispose]() {
      http1.closeAllConnections();
      http1.close();
      http2.close();
      await face[Symbol.asyncDispose]();
    },
  };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** Server-sent events of an answer, without comments. */
export async function* eventsOf(response: Response): AsyncGenerator<StreamEvent> {
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      const of = (name: string) =>
        lines
          .find((line) => line.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .trim();
      const event = of("event");
      if (event !== undefined) yield { event, data: of("data") ?? "" };
    }
  }
}

export async function allEvents(response: Response): Promise<readonly StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of eventsOf(response)) events.push(event);
  return events;
}
