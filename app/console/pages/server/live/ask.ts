/** Asks the server that the page came from. What goes wrong is an answer too, never thrown. */
import { type Problem, readProblem, silent } from "../view/problem.ts";
import { currentKey } from "./key.ts";

export type Asked<T> = { readonly value: T; readonly response: Response } | { readonly problem: Problem };

export interface Question extends Pick<RequestInit, "method" | "body"> {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}

/** @param read what is made of the body of a good answer */
export async function ask<T>(
  path: string,
  { headers = {}, signal, timeoutMs = 10_000, ...request }: Question,
  read: (response: Response) => Promise<T>,
): Promise<Asked<T>> {
  const key = currentKey();
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(path, {
      ...request,
      headers: key === null ? headers : { ...headers, authorization: `Bearer ${key}` },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      cache: "no-store",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
    if (response.ok) return { value: await read(response), response };
    return {
      problem: readProblem(response.status, await response.text(), response.headers.get("retry-after")),
    };
  } catch {
    return { problem: silent };
  }
}

export const asJson = (response: Response): Promise<unknown> => response.json();
export const asText = (response: Response): Promise<string> => response.text();

/** Of a model, and of a version of it. @param part "/predict", or "" */
export function modelPath(model: string, version: string, part: string): string {
  const versioned = version === "" ? "" : `/versions/${encodeURIComponent(version)}`;
  return `/v2/models/${encodeURIComponent(model)}${versioned}${part}`;
}
