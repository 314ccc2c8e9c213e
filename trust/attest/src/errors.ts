/** The failures of attestation: codes, what they mean, and how they are presented. */
import { defineErrors, failures } from "@cupel/base";

/** Data of a file whose path the message has. */
const badFile = { ...failures.badData, public: false } as const;

export const attestErrors = defineErrors({
  FOLDER_UNREADABLE: {
    meaning: "A folder, or something in it, does not exist or cannot be read.",
    ...failures.noInput,
  },
  FOLDER_CHANGED: {
    meaning: "A folder, or a file in it, changed while it was read: what was read is of no one moment.",
    ...badFile,
    retryable: true,
  },
  ENTRY_REFUSED: {
    meaning:
      "Something lies in a folder that no manifest can describe, such as a device, or a file that runs as its owner.",
    ...badFile,
  },
  NAME_REFUSED: {
    meaning: "A name cannot travel to other systems: it is not UTF-8, or has a character that some refuse.",
    ...badFile,
  },
  NAME_COLLISION: {
    meaning: "Two names differ by case or Unicode form only: on some systems they are one file.",
    ...badFile,
  },
  LINK_REFUSED: {
    meaning: "A symbolic link leads out of the folder, or round in a circle.",
    ...badFile,
  },
  MANIFEST_INVALID: {
    meaning: "A manifest has a mistake; its details say in which entry.",
    ...badFile,
  },
});

export type AttestErrorCode = keyof typeof attestErrors.specs;
