/** `cupel work`: a machine that takes the jobs of `cupel compress --queue`. */
import { integer, text } from "../arguments/option.ts";
import { required } from "../arguments/parse.ts";
import { openQueue } from "../queue/open-queue.ts";
import { queueOption } from "../queue/queue-url.ts";
import { signUp, workerName } from "../queue/roster.ts";
import { SharedFolder } from "../queue/shared-folder.ts";
import { shareOption } from "../queue/submit-options.ts";
import { work } from "../queue/work.ts";
import { factsText } from "../terminal/table.ts";
import type { Command } from "./command.ts";

const concurrency = integer({
  name: "concurrency",
  placeholder: "N",
  min: 1,
  value: 1,
  summary: "Jobs at the same time; --threads is shared among them",
});
const nameOption = text({
  name: "name",
  placeholder: "NAME",
  summary: "What the worker is called in messages",
  fallback: "HOST-PID",
});
const stalledAfter = integer({
  name: "stalled-after",
  placeholder: "SECONDS",
  min: 1,
  value: 30,
  summary: "A job whose worker gave no sign for so long is given to another",
});

export const workCommand: Command = {
  description:
    "Does jobs that cupel compress --queue submits, until Ctrl-C or SIGTERM: a job in hand then goes back to the queue at once. " +
    "Each job runs in a process of its own. The folder of --share is the one that the submitter names, at whatever path this machine " +
    "sees it; jobs of another folder or another version of cupel are never taken.",
  operands: [],
  options: [queueOption, shareOption, concurrency, nameOption, stalledAfter],
  examples: [
    {
      line: "cupel work --queue redis://10.0.0.5:6379/0 --share /mnt/models",
      says: "on each machine of the fleet",
    },
    {
      line: "cupel work --queue rediss://cupel@redis.example:6380 --share /mnt/models --concurrency 4",
      says: "with TLS, the password in CUPEL_QUEUE_PASSWORD, four jobs at a time",
    },
  ],
  async run(given, context) {
    const { signal, say, remark } = context;
    const url = required(given, queueOption);
    const share = await SharedFolder.open(required(given, shareOption));
    const name = given.get(nameOption) ?? workerName();
    const jobs = given.get(concurrency);
    await using queue = await openQueue(url, { signal, remark });
    await using _ = await signUp(queue.client, name, share);
    say(`${name} takes jobs from ${url.shown} in ${share.path}.`);
    const { done, failed, returned } = await work(queue, share, {
      name,
      concurrency: jobs,
      threads: Math.max(1, Math.floor(context.threads / jobs)),
      stalledAfterMs: 1000 * given.get(stalledAfter),
      signal,
      say,
    });
    return {
      json: { name, done, failed, returned },
      text: factsText([
        ["worker", name],
        ["jobs", `${done} done, ${failed} failed, ${returned} returned`],
      ]),
    };
  },
};
