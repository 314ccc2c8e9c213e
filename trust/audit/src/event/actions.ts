/**
 * Every action that the record takes. What is not here is refused: a code that is made up at the place of use is
 * found by no search and no rule of whoever watches the log. A new action is a row here and a row of its mapping to OCSF.
 */
import type { EventSeverity } from "@cupel/base";
import type { SubjectKind } from "./subject-kinds.ts";

export interface Action {
  /** One sentence: the documentation of the code. */
  readonly meaning: string;
  /** Where nothing says otherwise; an event has its own. */
  readonly severity: EventSeverity;
  /** Who can have done it. The first stands where an event says no kind. */
  readonly subjects: readonly [SubjectKind, ...SubjectKind[]];
}

/** Over the network. */
const callers = ["client", "user", "service", "anonymous"] as const;
/** Over the network or at the machine, known. */
const administrators = ["operator", "user", "service", "client", "system"] as const;
const ours = ["system", "operator"] as const;
const workers = ["operator", "user", "service", "system"] as const;
const keepers = ["system", ...administrators.filter((kind) => kind !== "system")] as const;

export const actions = {
  "ACCESS.REFUSE": {
    meaning: "A request was refused at the door: no or a wrong credential, no right, a limit.",
    severity: "WARN",
    subjects: ["anonymous", "client", "user", "service"],
  },
  "AUDIT.CLOCK": {
    meaning: "The wall clock of a writer was set; the order of its events is not changed by it.",
    severity: "WARN",
    subjects: ours,
  },
  "AUDIT.CLOSE": { meaning: "A recorder closed the record.", severity: "INFO", subjects: ours },
  "AUDIT.DROP": {
    meaning: "Events were lost under the policy count-and-drop; the event says how many.",
    severity: "CRITICAL",
    subjects: ours,
  },
  "AUDIT.ERASE": {
    meaning: "The key of a subject was destroyed: its encrypted and pseudonymous data is erased.",
    severity: "WARN",
    subjects: administrators,
  },
  "AUDIT.EXPORT": {
    meaning: "Events were copied out of the record, in its own form or another.",
    severity: "INFO",
    subjects: administrators,
  },
  "AUDIT.HOLD.RELEASE": {
    meaning: "A legal hold ended: retention may delete again.",
    severity: "WARN",
    subjects: administrators,
  },
  "AUDIT.HOLD.SET": {
    meaning: "A legal hold began: retention deletes nothing it covers.",
    severity: "WARN",
    subjects: administrators,
  },
  "AUDIT.KEY.CREATE": {
    meaning: "A key of the record was made: of a signer, of masking, of a subject.",
    severity: "INFO",
    subjects: keepers,
  },
  "AUDIT.KEY.ROTATE": {
    meaning: "A key of the record was followed by a new one.",
    severity: "WARN",
    subjects: administrators,
  },
  "AUDIT.OPEN": { meaning: "A recorder opened the record.", severity: "INFO", subjects: ours },
  "AUDIT.PROVE": {
    meaning: "A proof was made that an event is in the record.",
    severity: "INFO",
    subjects: administrators,
  },
  "AUDIT.READ": {
    meaning: "The record was read: shown, searched, followed.",
    severity: "INFO",
    subjects: administrators,
  },
  "AUDIT.RECOVER": {
    meaning: "What a crash left of the record was set right when it was opened.",
    severity: "WARN",
    subjects: ours,
  },
  "AUDIT.REFUSE": {
    meaning: "An event did not conform and went to quarantine.",
    severity: "ERROR",
    subjects: ours,
  },
  "AUDIT.RETENTION.CHANGE": {
    meaning: "How long events are kept was changed.",
    severity: "WARN",
    subjects: administrators,
  },
  "AUDIT.RETENTION.DELETE": {
    meaning: "Segments older than the retention were deleted; proofs of the others hold.",
    severity: "WARN",
    subjects: keepers,
  },
  "AUDIT.VERIFY": {
    meaning: "The record was verified and found whole.",
    severity: "INFO",
    subjects: administrators,
  },
  "AUDIT.VERIFY.FAIL": {
    meaning: "The record was verified and found tampered with, or not to be verified for want of a key.",
    severity: "CRITICAL",
    subjects: administrators,
  },
  "AUTH.LOGIN": { meaning: "A subject was authenticated.", severity: "INFO", subjects: callers },
  "AUTH.LOGIN.FAIL": {
    meaning: "A subject could not be authenticated.",
    severity: "WARN",
    subjects: ["anonymous", "client", "user", "service"],
  },
  "AUTH.LOGOUT": { meaning: "A subject ended its session.", severity: "INFO", subjects: callers },
  "AUTH.ROLE.CHANGE": {
    meaning: "What a subject may do was changed.",
    severity: "WARN",
    subjects: administrators,
  },
  "AUTH.TOKEN.ISSUE": {
    meaning: "A key or token was issued to a subject.",
    severity: "INFO",
    subjects: administrators,
  },
  "AUTH.TOKEN.REVOKE": {
    meaning: "A key or token of a subject was made invalid.",
    severity: "WARN",
    subjects: administrators,
  },
  "COMPRESS.CANCEL": {
    meaning: "The compression of a model was broken off by whoever asked for it.",
    severity: "WARN",
    subjects: workers,
  },
  "COMPRESS.FAIL": {
    meaning: "The compression of a model ended without a model.",
    severity: "ERROR",
    subjects: workers,
  },
  "COMPRESS.FINISH": {
    meaning: "A compressed model was written; the event has the digests of both.",
    severity: "INFO",
    subjects: workers,
  },
  "COMPRESS.START": {
    meaning: "The compression of a model began: which model, with which data.",
    severity: "INFO",
    subjects: workers,
  },
  "CONFIG.CHANGE": {
    meaning: "A setting was changed while a program runs.",
    severity: "WARN",
    subjects: administrators,
  },
  "CONFIG.LOAD": {
    meaning: "A program took its settings; the event has their digest.",
    severity: "INFO",
    subjects: ours,
  },
  "CONFIG.REFUSE": {
    meaning: "Settings did not conform and were not taken.",
    severity: "ERROR",
    subjects: ours,
  },
  "ENV.CHANGE": {
    meaning: "A part of the environment changed: a variable, a file, a package, a firmware setting.",
    severity: "WARN",
    subjects: ours,
  },
  "ENV.READ": {
    meaning: "A program read a variable of its environment that is watched.",
    severity: "INFO",
    subjects: ours,
  },
  "EVAL.CANCEL": {
    meaning: "The evaluation of a model was broken off by whoever asked for it.",
    severity: "WARN",
    subjects: workers,
  },
  "EVAL.FAIL": {
    meaning: "The evaluation of a model ended without a result.",
    severity: "ERROR",
    subjects: workers,
  },
  "EVAL.FINISH": {
    meaning: "A model was evaluated; the event has what came of it.",
    severity: "INFO",
    subjects: workers,
  },
  "EVAL.START": {
    meaning: "The evaluation of a model began: which model, on which data.",
    severity: "INFO",
    subjects: workers,
  },
  "INFER.REQUEST": {
    meaning: "A model was asked for an answer; the code says how it ended.",
    severity: "INFO",
    subjects: callers,
  },
  "MODEL.LOAD": {
    meaning: "A version of a model came into service; the event has the digest of its bytes.",
    severity: "INFO",
    subjects: ours,
  },
  "MODEL.LOAD.FAIL": {
    meaning: "A version of a model could not come into service.",
    severity: "ERROR",
    subjects: ours,
  },
  "MODEL.LOAD.REQUEST": {
    meaning: "Somebody asked for a model to be loaded.",
    severity: "INFO",
    subjects: [...callers, "operator"],
  },
  "MODEL.RELOAD": {
    meaning: "Other bytes came into service under the same model and version.",
    severity: "INFO",
    subjects: ours,
  },
  "MODEL.UNLOAD": {
    meaning: "A version of a model left service; the event has the cause.",
    severity: "INFO",
    subjects: ours,
  },
  "MODEL.UNLOAD.REQUEST": {
    meaning: "Somebody asked for a model to be unloaded.",
    severity: "INFO",
    subjects: [...callers, "operator"],
  },
  "PREDICT.CANCEL": {
    meaning: "Predicting a set of images was broken off, or nobody read on.",
    severity: "WARN",
    subjects: workers,
  },
  "PREDICT.FAIL": {
    meaning: "Predicting a set of images ended before the last.",
    severity: "ERROR",
    subjects: workers,
  },
  "PREDICT.FINISH": {
    meaning: "A model predicted a set of images; the event says how many.",
    severity: "INFO",
    subjects: workers,
  },
  "PREDICT.START": {
    meaning: "A model is to predict a set of images: which model, which data.",
    severity: "INFO",
    subjects: workers,
  },
  "SEAL.CREATE": { meaning: "A model or file was signed.", severity: "INFO", subjects: workers },
  "SEAL.VERIFY": {
    meaning: "A signed model or file was verified and found as signed.",
    severity: "INFO",
    subjects: workers,
  },
  "SEAL.VERIFY.FAIL": {
    meaning: "A model or file is not as it was signed, or not signed by whom it should be.",
    severity: "CRITICAL",
    subjects: workers,
  },
  "SERVE.START": { meaning: "A server began to answer.", severity: "INFO", subjects: ours },
  "SERVE.STOP": {
    meaning: "A server answered what it had accepted and ended.",
    severity: "INFO",
    subjects: ours,
  },
  "TRAIN.CANCEL": {
    meaning: "A training was broken off by whoever asked for it.",
    severity: "WARN",
    subjects: workers,
  },
  "TRAIN.FAIL": { meaning: "A training ended without a model.", severity: "ERROR", subjects: workers },
  "TRAIN.FINISH": {
    meaning: "A trained model was written; the event has its digest and which data it is of.",
    severity: "INFO",
    subjects: workers,
  },
  "TRAIN.START": {
    meaning: "A training began: which network, with which data.",
    severity: "INFO",
    subjects: workers,
  },
} as const satisfies Readonly<Record<string, Action>>;

export type ActionCode = keyof typeof actions;

const byCode: ReadonlyMap<string, Action> = new Map(Object.entries(actions));

export function actionOf(code: string): Action | undefined {
  return byCode.get(code);
}

export const actionCodes: readonly string[] = Object.keys(actions);
