/** `cupel audit erase`: what the record has of a person becomes unreadable, and every proof stays valid. */
import { auditErrors, eraseSubject, parseRetentionPolicy, readRetentionPolicy } from "@cupel/audit";
import { flag, repeated, text } from "../../arguments/option.ts";
import { keyFileOption, openKeptLog } from "../../audit/open-kept-log.ts";
import { operator } from "../../audit/operator.ts";
import { cliErrors } from "../../errors.ts";
import { numberOf } from "../../terminal/figures.ts";
import type { Command } from "../command.ts";

const subjectOption = repeated(
  {
    name: "subject",
    placeholder: "ID",
    summary: "Whom to erase, as events name the subject (sub.id); repeatable",
  },
  "the id of a subject",
  (given) => (given === "" ? undefined : given),
);
const reasonOption = text({
  name: "reason",
  placeholder: "TEXT",
  summary: "Recorded with the erasure, such as the number of a request. It must not name the person",
  fallback: "none is recorded",
});
const despiteOption = flag({
  name: "despite-holds",
  summary: "Erase though a legal hold is in force; the record says so",
});

export const auditEraseCommand: Command = {
  description:
    "What the record has of a subject is encrypted, or a pseudonym, under a key of that subject alone. The key is overwritten in FOLDER/keys, and its data is " +
    "noise from then on; no line is deleted, so that the log verifies and every proof holds. That it begins and what was destroyed is recorded, under the pseudonym that the events " +
    "have. It is refused while a legal hold is in force, and while another process writes the log. Copies of FOLDER/keys, such as backups, are not reached: " +
    "there the data opens to who has FOLDER.masking-key too.",
  operands: [{ name: "FOLDER", summary: "Of the log" }],
  options: [subjectOption, reasonOption, despiteOption, keyFileOption],
  examples: [
    {
      line: "cupel audit erase audit --subject ann@example.com --reason request-4711",
      says: "a person who asks for it",
    },
    { line: "cupel audit erase audit --subject ann --subject bob --json", says: "two, for a program" },
  ],
  async run(given, context) {
    const folder = given.operands[0]!;
    const subjects = given.get(subjectOption);
    if (subjects.length === 0) {
      throw cliErrors.error("ARGUMENT_MISSING", "Whom to erase is missing. Write: --subject ID", {
        details: { argument: "subject" },
      });
    }
    const reason = given.get(reasonOption);
    await using log = await openKeptLog(folder, given.get(keyFileOption), context.say);
    const holds = await holdsInForce(folder, context.clock.now());
    if (holds.length > 0 && !given.get(despiteOption)) {
      throw auditErrors.error(
        "HOLD_IN_FORCE",
        `${holds.length === 1 ? "A legal hold is" : "Legal holds are"} in force: ${holds.join(", ")}. What is erased cannot be given to whoever ordered it. Release it, or erase with --despite-holds.`,
        { details: { folder, holds } },
      );
    }
    const erased = [];
    for (const subject of subjects) {
      const { keys, pseudonym, isComplete } = await eraseSubject(subject, {
        keys: log.keys,
        hash: log.hash,
        record: (event) => log.recorder.record(event),
        by: operator(),
        context: {
          ...(reason === undefined ? {} : { reason }),
          ...(holds.length === 0 ? {} : { holds: holds.join(" ") }),
        },
      });
      erased.push({ subject, pseudonym, keys, complete: isComplete });
    }
    return {
      json: { folder, erased },
      text: erased
        .map(({ subject, pseudonym, keys }) =>
          pseudonym === null
            ? `${subject} has no key in ${folder}: there is nothing of it, or it is erased already.`
            : `${subject} is erased: ${numberOf(keys, "key")} destroyed. Events that named it say ${pseudonym}.`,
        )
        .join("\n"),
    };
  },
};

async function holdsInForce(folder: string, now: number): Promise<string[]> {
  const { holds } = parseRetentionPolicy((await readRetentionPolicy(folder)) ?? {});
  return holds.filter(({ until }) => until === undefined || Date.parse(until) > now).map(({ id }) => id);
}
