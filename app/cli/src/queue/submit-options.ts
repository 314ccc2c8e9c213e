/** The options of a compression that is shared among machines, beside --queue itself. */
import { flag, repeated, text } from "../arguments/option.ts";
import { queueOption } from "./queue-url.ts";

export const shareOption = text({
  name: "share",
  placeholder: "FOLDER",
  summary: "Folder that all machines of the queue see, at whatever path; models and images lie in it",
});

export const submitOptions = {
  queue: queueOption,
  share: shareOption,
  tried: repeated(
    {
      name: "try",
      placeholder: "WIDTH|FILE",
      summary:
        "With --queue: a width, mixed, or a recipe to try on each model; may be given several times. The one that meets the target is kept",
      fallback: "with a target every width and mixed, else as --bits and --recipe say",
    },
    "a width, mixed, or the path of a recipe",
    (given) => given || undefined,
  ),
  keepJobs: flag({
    name: "keep-jobs",
    summary:
      "With --queue: an interrupt leaves the jobs to the workers, and the same command collects them later",
  }),
};
