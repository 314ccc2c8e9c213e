/** The failures of attestation: codes, what they mean, and how they are presented. */
import { defineErrors, failures } from "@cupel/base";

/** Data of a file whose path the message has. */
const badFile = { ...failures.badData, public: false } as const;

export const attestErrors = defineErrors({
  FOLDER_UNREADABLE: {
    meaning: "A folder, or something in it, does not exist or cannot be read.",
    ...failures.noInput,
  },
  ENTRY_REFUSED: {
    meaning:
      "A folder has something in it that no manifest can describe, such as a device or a name that cannot travel.",
    ...badFile,
  },
});

export type AttestErrorCode = keyof typeof attestErrors.specs;
