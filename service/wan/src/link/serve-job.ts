/** The half of `job-process.ts` that runs in the process: reads the job, tells what is to be told, and ends. */
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface JobScene {
  /** Fires when the process is asked to end, or whoever started it is gone. */
  readonly signal: AbortSignal;
  /** May be called once. */
  ready(facts: unknown): void;
  /** What is answered to a question in between. MUST be given before it is told that the process is ready. */
  onAsk(reply: (question: unknown) => unknown): void;
}

/** @param work is given the job, which is what `startJob` was given: both are of one release. */
export async function serveJob<Job>(work: (job: Job, scene: JobScene) => Promise<unknown>): Promise<void> {
  const leaving = new AbortController();
  const lines = createInterface({ input: process.stdin });
  let reply: (question: unknown) => unknown = () => null;
  const say = (line: Readonly<Record<string, unknown>>) => process.stdout.write(`${JSON.stringify(line)}\n`);
  process.stdout.on("error", () => process.exit(1));
  lines.on("close", () => leaving.abort());
  const [first] = await once(lines, "line", { signal: leaving.signal }).catch(() => [null]);
  if (typeof first !== "string") return;
  lines.on("line", async (line) => say({ reply: await reply(JSON.parse(line)) }));
  const result = await work(JSON.parse(first), {
    signal: leaving.signal,
    ready: (facts) => void say({ ready: facts ?? null }),
    onAsk(given) {
      reply = given;
    },
  });
  const written = Promise.withResolvers<void>();
  process.stdout.write(`${JSON.stringify({ result: result ?? null })}\n`, () => written.resolve());
  await written.promise;
  process.exit(0);
}
