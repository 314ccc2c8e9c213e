/** The failures of attestation: codes, what they mean, and how they are presented. */
import { defineErrors, failures } from "@cupel/base";

/** Data of a file whose path the message has. */
const badFile = { ...failures.badData, public: false } as const;

/** A seal, or what lies under it, that a policy does not let in. */
const refused = { http: 403, grpc: "PERMISSION_DENIED", exit: 77, retryable: false, public: false } as const;

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
      "Something lies in a folder or an archive that no manifest can describe, such as a device, or a file that runs as its owner.",
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
  SEAL_MISSING: {
    meaning: "A folder is not sealed: there is neither attestation.json nor model.sig in it.",
    ...failures.noInput,
  },
  SEAL_INCOMPLETE: {
    meaning: "The two files of a seal are not of one sealing, or one of them is gone.",
    ...badFile,
    exit: 3,
  },
  SEAL_BROKEN: {
    meaning: "A folder is not what was sealed: something in it was added, removed, changed or renamed.",
    ...badFile,
    exit: 3,
  },
  ATTESTATION_INVALID: {
    meaning: "An attestation is not one as Cupel writes it; its details say where.",
    ...badFile,
    exit: 3,
  },
  REPORT_INVALID: {
    meaning: "A report of a compression is damaged, or is one of another version.",
    ...badFile,
  },
  REPORT_FOREIGN: {
    meaning: "A report is not of the model that is sealed: its digest is another.",
    ...badFile,
  },
  ARCHIVE_UNREADABLE: { meaning: "An archive does not exist or cannot be read.", ...failures.noInput },
  ARCHIVE_CHANGED: {
    meaning: "An archive changed while it was read: what was read is of no one moment.",
    ...badFile,
    retryable: true,
  },
  ARCHIVE_INVALID: {
    meaning: "A file is no whole ZIP archive, or has bytes that are no part of it.",
    ...badFile,
  },
  ARCHIVE_UNSUPPORTED: {
    meaning:
      "An archive is of a kind that is not read: encrypted, in several parts, of another method or format.",
    ...failures.unsupported,
    public: false,
  },
  ARCHIVE_TOO_LARGE: {
    meaning: "An archive would unpack to far more than it is, or names more entries than are read.",
    ...badFile,
  },
  ARCHIVE_OVERLAP: { meaning: "Two entries of an archive share bytes.", ...badFile },
  ARCHIVE_PATH_REFUSED: {
    meaning:
      "The name of an entry leads out of the folder that the archive is unpacked to, or is not told apart.",
    ...badFile,
  },
  ARCHIVE_NAME_DUPLICATE: {
    meaning: "Two entries of an archive have one name: programs differ in which one they take.",
    ...badFile,
  },
  ARCHIVE_LINK_REFUSED: {
    meaning: "An entry of an archive is a symbolic link, which programs unpack in different ways.",
    ...badFile,
  },
  ARCHIVE_HEADERS_DIFFER: {
    meaning: "What an archive says of an entry beside its data is not what its directory says.",
    ...badFile,
  },
  ARCHIVE_SIZE_WRONG: { meaning: "An entry of an archive does not have the size that is said.", ...badFile },
  ARCHIVE_DATA_INVALID: {
    meaning: "The data of an entry do not unpack, or not to what their checksum says.",
    ...badFile,
  },
  MANIFEST_INVALID: {
    meaning: "A manifest has a mistake; its details say in which entry.",
    ...badFile,
  },
  SIGNING_KEY_UNREADABLE: {
    meaning: "The file of a key or certificate does not exist or cannot be read.",
    ...failures.noInput,
  },
  SIGNING_KEY_INVALID: {
    meaning: "What should be a key is none, or is encrypted with another passphrase.",
    ...badFile,
  },
  SIGNING_KEY_UNSUPPORTED: {
    meaning: "A key is of a kind that does not sign here, or that this Node.js does not have.",
    ...failures.unsupported,
    public: false,
  },
  BUNDLE_INVALID: {
    meaning: "A signature file is no Sigstore bundle with one signed envelope; its details say where.",
    ...badFile,
  },
  BUNDLE_UNSUPPORTED: {
    meaning: "A signature file is of a format or version that is not verified.",
    ...failures.unsupported,
    public: false,
  },
  DSSE_SIGNATURE_INVALID: {
    meaning: "A signature is not that of its signer over what is signed.",
    ...badFile,
    exit: 3,
  },
  SIGNER_UNKNOWN: {
    meaning: "Who signed is none of those that are trusted.",
    ...badFile,
    exit: 4,
  },
  SIGNER_CERTIFICATE_INVALID: {
    meaning: "A certificate is not fit for what it did: to sign, or to stand behind another.",
    ...badFile,
  },
  STATEMENT_INVALID: {
    meaning: "What is signed is no statement of OpenSSF Model Signing v1.0; its details say where.",
    ...badFile,
  },
  STATEMENT_PATH_REFUSED: {
    meaning: "A signed statement names a path that leads out of the folder, or is not told apart.",
    ...badFile,
  },
  STATEMENT_UNSUPPORTED: {
    meaning: "A signed statement is of an older form, or has digests by another hash than SHA-256.",
    ...failures.unsupported,
    public: false,
  },
  MODEL_EMPTY: {
    meaning: "A model to sign or verify has no file.",
    ...badFile,
  },
  KEYLESS_REFUSED: {
    meaning:
      "A keyless signature does not verify by the trusted root: certificate, log entry, time or signature.",
    ...badFile,
  },
  TRUSTED_ROOT_INVALID: {
    meaning: "What is given as Sigstore's trusted root is none.",
    ...badFile,
  },
  POLICY_UNREADABLE: {
    meaning: "A policy, or a file that it names, does not exist or cannot be read.",
    ...failures.noInput,
  },
  POLICY_INVALID: {
    meaning:
      "A policy has a mistake, or names a key or certificate that cannot be used; its details say where.",
    ...badFile,
  },
  SEEN_SEALS_INVALID: {
    meaning: "The file that keeps which seals were seen is damaged or cannot be read.",
    ...badFile,
  },
  SEAL_REVOKED: {
    meaning: "The policy revokes the folder's root, or every key that sealed it.",
    ...refused,
  },
  SEAL_NOT_ALLOWED: {
    meaning: "The policy names the roots that may be loaded, and the folder's is none of them.",
    ...refused,
  },
  SEAL_ROLLED_BACK: {
    meaning: "A later seal of the same name was seen already, and the policy allows no way back.",
    ...refused,
  },
  MODEL_UNSEALED: {
    meaning: "What was to be loaded is not what lies sealed in the model's folder.",
    ...refused,
  },
});

export type AttestErrorCode = keyof typeof attestErrors.specs;
