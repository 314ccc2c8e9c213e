/** Images become the core's question: one as the body itself, or many in JSON as base64 or in CBOR as bytes. */
import { own } from "@cupel/base";
import type { TSchema } from "typebox";
import { base64Bytes } from "../core/base64-bytes.ts";
import { serveErrors } from "../errors.ts";
import { mediaType } from "../http/content-type.ts";
import { parseJson } from "../http/parse-json.ts";
import type { ImageInput, PredictRequest } from "../images/predict-request.ts";
import { cborType, decodeCbor } from "./cbor.ts";
import type { Exchange } from "./exchange.ts";
import { conformer, conformTo } from "./schema/conform.ts";
import { type PredictImage, predictOptions } from "./schema/predict.ts";

export const imageTypes = ["image/jpeg", "image/png", "image/webp"] as const;

const conformRequest = conformer("PredictRequest");
const conformOptions = conformTo(predictOptions, "the query");

/** @throws REQUEST_INVALID, MEDIA_TYPE_UNSUPPORTED and what reading the body throws */
export async function readPredictRequest(exchange: Exchange): Promise<PredictRequest> {
  const { model = "", version } = exchange.params;
  const { format, width, height, ...options } = conformOptions(valuesOf(exchange.query));
  const asked = { model, version, ...options };
  const type = mediaType(exchange.header("content-type"));
  if (imageTypes.some((each) => each === type)) {
    return { ...asked, images: [{ kind: "encoded", bytes: await exchange.body() }] };
  }
  if (type === "application/octet-stream") {
    const bytes = await exchange.body();
    return { ...asked, images: [pixels(bytes, { format, width, height }, "query")] };
  }
  if (type !== "" && type !== "application/json" && type !== cborType) throw unsupported(type);
  const body = await exchange.body();
  const start = performance.now();
  const { value, taken } =
    type === cborType ? decodeCbor(body, "images", String) : { value: parseJson(body), taken: null };
  const { images, ...message } = conformRequest(value);
  const inputs = images.map((image, index): ImageInput => {
    const bytes = taken === null ? decodedBytes(image, index) : takenBytes(taken[Number(image.data)], index);
    return image.format === undefined ? { kind: "encoded", bytes } : pixels(bytes, image, `/images/${index}`);
  });
  exchange.call.times.decode = performance.now() - start;
  return { ...asked, ...message, images: inputs };
}

/** Texts of a query as the values that its schema has. */
function valuesOf(query: Readonly<Record<string, string>>): Record<string, unknown> {
  const properties: Readonly<Record<string, TSchema & { type?: unknown }>> = predictOptions.properties;
  return Object.fromEntries(
    Object.entries(query).map(([name, text]) => {
      const type = own(properties, name)?.type;
      if (type === "boolean" && (text === "true" || text === "false")) return [name, text === "true"];
      if ((type === "integer" || type === "number") && /^-?\d+(\.\d+)?$/.test(text))
        return [name, Number(text)];
      return [name, text];
    }),
  );
}

function takenBytes(data: unknown, index: number): Uint8Array {
  if (data instanceof Uint8Array) return data;
  throw serveErrors.error("REQUEST_INVALID", `/images/${index}/data is not a byte string.`);
}

function decodedBytes({ data }: PredictImage, index: number): Uint8Array {
  const bytes = base64Bytes(data);
  if (bytes) return bytes;
  throw serveErrors.error("REQUEST_INVALID", `/images/${index}/data is not base64 (RFC 4648, section 4).`);
}

type Sized = { readonly [Name in "format" | "width" | "height"]?: PredictImage[Name] | undefined };

/** @param where the format and the size are said */
function pixels(bytes: Uint8Array, { format, width, height }: Sized, where: string): ImageInput {
  if (format !== undefined && width !== undefined && height !== undefined) {
    return { kind: format, bytes, width, height };
  }
  throw serveErrors.error(
    "REQUEST_INVALID",
    `Bare pixels need their format (rgb, i420 or nv12), width and height (${where}).`,
  );
}

function unsupported(type: string): Error {
  const takes = [...imageTypes, "application/octet-stream", "application/json", cborType];
  return serveErrors.error(
    "MEDIA_TYPE_UNSUPPORTED",
    `The content type "${type}" is not taken here. Send ${takes.join(", ")}.`,
    { details: { takes } },
  );
}
