/**
 * A request becomes a document and its variables (GraphQL over HTTP): GET, POST of JSON, or of a form with files
 * (graphql-multipart-request-spec). A page of another site can have a browser send a form without asking first: one is only
 * taken with a header that no such page can send unasked.
 */
import { serveErrors } from "../errors.ts";
import { mediaType } from "../http/content-type.ts";
import { parseJson } from "../http/parse-json.ts";
import { boundLongTexts } from "./long-text.ts";
import { readMultipart } from "./read-multipart.ts";

export interface GraphqlParams {
  readonly query?: string;
  readonly operationName?: string;
  readonly variables?: Record<string, unknown>;
  readonly extensions?: Record<string, unknown>;
}

export const csrfHeader = "cupel-csrf";

const jsonTypes: ReadonlySet<string> = new Set(["application/json", "application/graphql+json"]);
const formType = "multipart/form-data";

export interface AskedRequest {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  /** By lower-case name. */
  header(name: string): string | undefined;
  body(): Promise<Buffer<ArrayBuffer>>;
}

/** Before the body is read. @throws METHOD_NOT_ALLOWED, MEDIA_TYPE_UNSUPPORTED, PREFLIGHT_REQUIRED */
export function assertReadable({ method, header }: Omit<AskedRequest, "body">): void {
  if (method === "GET") return;
  if (method !== "POST") {
    throw serveErrors.error("METHOD_NOT_ALLOWED", `${method} is not taken here. Use GET, POST.`, {
      details: { allow: "GET, POST" },
    });
  }
  const type = mediaType(header("content-type"));
  if (jsonTypes.has(type)) return;
  if (type !== formType) {
    throw serveErrors.error(
      "MEDIA_TYPE_UNSUPPORTED",
      `The content type "${type}" is not taken here. Send application/json, or ${formType} for files.`,
      { details: { takes: ["application/json", formType] } },
    );
  }
  if (header(csrfHeader) !== undefined) return;
  throw serveErrors.error(
    "PREFLIGHT_REQUIRED",
    `A form could come from a page of any site. Send it with the header ${csrfHeader}: 1.`,
    { details: { header: csrfHeader } },
  );
}

/** @throws REQUEST_INVALID and what reading the body throws */
export async function readRequest(request: AskedRequest): Promise<GraphqlParams> {
  const { method, url, header, body } = request;
  if (method === "GET") return conform(ofQuery(url));
  const type = header("content-type") ?? "";
  if (mediaType(type) === formType) return conform(await readMultipart(await body(), type));
  return conform(parseJson(await body()));
}

function ofQuery(url: string): Record<string, unknown> {
  const query = new URLSearchParams(url.slice(url.indexOf("?") + 1));
  const text = (name: string) => query.get(name) ?? undefined;
  const json = (name: string): unknown => {
    const given = query.get(name);
    return given === null || given === "" ? undefined : parseJson(Buffer.from(given));
  };
  return {
    query: text("query"),
    operationName: text("operationName"),
    variables: json("variables"),
    extensions: json("extensions"),
  };
}

const members: ReadonlyMap<string, "text" | "object"> = new Map([
  ["query", "text"],
  ["operationName", "text"],
  ["variables", "object"],
  ["extensions", "object"],
]);

/** @throws REQUEST_INVALID */
function conform(value: unknown): GraphqlParams {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("The request must be one JSON object; lists of them are not taken.");
  }
  const given = Object.entries(value).filter(([, each]) => each !== null && each !== undefined);
  for (const [name, each] of given) {
    const kind = members.get(name);
    if (kind === undefined)
      throw invalid(`The request has a member "${name.slice(0, 100)}", which is not one.`);
    const isFit =
      kind === "text" ? typeof each === "string" : typeof each === "object" && !Array.isArray(each);
    if (!isFit) throw invalid(`The member "${name}" of the request is no ${kind}.`);
  }
  const params: GraphqlParams = Object.fromEntries(given);
  if (params.query === undefined || params.query === "") throw invalid('The request has no member "query".');
  if (params.variables) boundLongTexts(params.variables);
  return params;
}

function invalid(message: string): Error {
  return serveErrors.error("REQUEST_INVALID", message, { withoutStack: true });
}
