/** Members of JSON that somebody wrote, each taken only when it is what it must be. */
import { own } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { shown } from "../manifest/check-manifest.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Makes the error of a document; the reason completes "it is not valid: ...". */
export type Fault = (reason: string) => Error;

/** @param what it is, such as "the envelope". @param names all that it may have; any where left out */
export function jsonObject(
  value: unknown,
  what: string,
  fault: Fault,
  names?: readonly string[],
): JsonObject {
  if (!isObject(value)) throw fault(`${what} is no object`);
  const strange = names && Object.keys(value).find((name) => !names.includes(name));
  if (strange !== undefined) throw fault(`${what} has ${shown(strange)}, which it may not have`);
  return value;
}

export function jsonList(object: JsonObject, name: string, fault: Fault): readonly unknown[] {
  const value = member(object, name);
  if (!Array.isArray(value)) throw fault(`${name} is no list`);
  return value;
}

export function jsonText(object: JsonObject, name: string, fault: Fault): string {
  const value = member(object, name);
  if (typeof value !== "string") throw fault(`${name} is no text`);
  return value;
}

/** Of base64 with padding (RFC 4648 section 4), one text for one value, and not empty. */
export function jsonBytes(object: JsonObject, name: string, fault: Fault): Buffer {
  const text = jsonText(object, name, fault);
  const bytes = Buffer.from(text, "base64");
  if (bytes.byteLength === 0 || bytes.toString("base64") !== text) {
    throw fault(`${name} is not base64 with padding`);
  }
  return bytes;
}

export function member(object: JsonObject, name: string): unknown {
  return own<unknown>(object, name);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Undefined where the bytes are no JSON in UTF-8. */
export function parseJsonBytes(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    return undefined;
  }
}

/** @param where the signature is from */
export function bundleFault(where: string): Fault {
  return (reason) =>
    attestErrors.error(
      "BUNDLE_INVALID",
      `The signature in ${where} is not valid: ${reason}. Get it again from whoever signed, or sign again.`,
      { details: { reason } },
    );
}
