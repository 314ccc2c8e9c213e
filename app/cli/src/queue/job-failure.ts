/** Why a job failed, as text: all that the queue keeps of an error. */
import type { CupelError } from "@cupel/base";
import { jsonObject } from "./json-object.ts";

export interface JobFailure {
  readonly code: string;
  readonly message: string;
  /** Null where no worker lived to say it. */
  readonly worker: string | null;
}

export function failureText({ code, message }: CupelError, worker: string): string {
  return JSON.stringify({ code, message, worker } satisfies JobFailure);
}

/** @param text bullmq's own words where workers ended in the middle of the job */
export function readFailure(text: string | undefined): JobFailure {
  const lost = {
    code: "QUEUE_JOB_LOST",
    message: `Each worker that took the job ended or fell silent in the middle of it (${text}).`,
    worker: null,
  };
  if (!text?.startsWith("{")) return lost;
  const { code, message, worker } = jsonObject(JSON.parse(text)) ?? {};
  if (typeof code !== "string" || typeof message !== "string" || typeof worker !== "string") return lost;
  return { code, message, worker };
}
