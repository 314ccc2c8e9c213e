/** One image to one model, and what a shell would do to send the same. */
import { type Answer, readAnswer } from "../view/answer.ts";
import { curlLine } from "../view/curl-line.ts";
import { type Problem, readProblem } from "../view/problem.ts";
import { readServerTiming, type TimedStage } from "../view/server-timing.ts";
import { asJson, ask, modelPath } from "./ask.ts";
import { currentKey } from "./key.ts";

export interface PredictOptions {
  readonly model: string;
  /** "" for the usual number. */
  readonly top: string;
  /** "" for the task's own. */
  readonly threshold: string;
  readonly windows: boolean;
  /** Whether the server is to draw what the page cannot. */
  readonly draw: boolean;
}

export interface Tried {
  readonly file: File;
  readonly outcome: { readonly answer: Answer } | { readonly problem: Problem };
  readonly stages: readonly TimedStage[];
  /** From the first byte sent to the last received, in ms. */
  readonly tookMs: number;
  readonly curl: string;
}

/** Models may take their time, and images are large. */
const timeoutMs = 120_000;

export async function predict(file: File, options: PredictOptions, signal: AbortSignal): Promise<Tried> {
  const { model, top, threshold, windows, draw } = options;
  const query = new URLSearchParams({
    ...(top === "" ? {} : { top }),
    ...(threshold === "" ? {} : { threshold }),
    ...(windows ? { windows: "true" } : {}),
    ...(draw ? { draw: "true" } : {}),
  }).toString();
  const path = `${modelPath(model, "", "/predict")}${query === "" ? "" : `?${query}`}`;
  const headers = { "content-type": file.type || "application/octet-stream", "cupel-timing": "1" };
  const curl = curlLine({
    url: new URL(path, location.href).href,
    headers: Object.entries(headers),
    file: file.name,
    hasKey: currentKey() !== null,
  });
  const started = performance.now();
  const asked = await ask(path, { method: "POST", body: file, headers, signal, timeoutMs }, asJson);
  const tookMs = performance.now() - started;
  if ("problem" in asked) return { file, outcome: asked, stages: [], tookMs, curl };
  const answer = readAnswer(asked.value);
  const stages = readServerTiming(asked.response.headers.get("server-timing"));
  return {
    file,
    outcome: answer === null ? { problem: readProblem(200, "", null) } : { answer },
    stages,
    tookMs,
    curl,
  };
}
