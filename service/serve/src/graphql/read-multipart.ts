/** A form with an operation and files (https://github.com/jaydenseric/graphql-multipart-request-spec). */
import { own } from "@cupel/base";
import { serveErrors } from "../errors.ts";
import { parseJson } from "../http/parse-json.ts";

/** A file of the request, in the place of the variable that names it. */
export class UploadedFile {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  toJSON(): string {
    return `(a file of ${this.bytes.length} bytes)`;
  }
}

const mostParts = 1_000;

/** @throws REQUEST_INVALID */
export async function readMultipart(body: Buffer<ArrayBuffer>, type: string): Promise<unknown> {
  assertFewParts(body, type);
  const form = await formOf(body, type);
  const operations = jsonPart(form, "operations");
  const map = jsonPart(form, "map");
  if (typeof map !== "object" || map === null) throw invalid('The part "map" must be an object.');
  for (const [name, paths] of Object.entries(map)) {
    const file = form.get(name);
    if (!(file instanceof File))
      throw invalid(`The map names a file "${name.slice(0, 100)}" that is not sent.`);
    if (!Array.isArray(paths)) throw invalid('The part "map" must have lists of paths.');
    const uploaded = new UploadedFile(new Uint8Array(await file.arrayBuffer()));
    for (const path of paths) put(operations, String(path), uploaded);
  }
  return operations;
}

/** Each would be an object, whatever it holds. */
function assertFewParts(body: Buffer, type: string): void {
  const boundary = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type);
  const mark = `--${boundary?.[1] ?? boundary?.[2] ?? ""}`;
  if (mark.length < 3 || mark.length > 72) throw invalid("The content type of the form has no boundary.");
  let parts = 0;
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + mark.length)) {
    if (++parts > mostParts) throw invalid(`The form has more than ${mostParts} parts.`);
  }
}

async function formOf(body: Buffer<ArrayBuffer>, type: string): Promise<FormData> {
  try {
    return await new Response(body, { headers: { "content-type": type } }).formData();
  } catch (cause) {
    throw serveErrors.error("REQUEST_INVALID", "The body is not the form that its content type says.", {
      cause,
    });
  }
}

function jsonPart(form: FormData, name: string): unknown {
  const part = form.get(name);
  if (typeof part === "string") return parseJson(Buffer.from(part));
  throw invalid(`The form has no part "${name}" of text.`);
}

/** @param path "variables.images.0.upload": must lead to a null that is there */
function put(operations: unknown, path: string, file: UploadedFile): void {
  const names = path.split(".");
  const last = names.pop() ?? "";
  let at: unknown = operations;
  for (const name of names) at = isObject(at) ? own(at, name) : undefined;
  if (names[0] !== "variables" || !isObject(at) || own(at, last) !== null) {
    throw invalid(`The map's path "${path.slice(0, 100)}" does not lead to a variable that is null.`);
  }
  Object.defineProperty(at, last, { value: file, enumerable: true, writable: true });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function invalid(message: string): Error {
  return serveErrors.error("REQUEST_INVALID", message, { withoutStack: true });
}
