/**
 * Which class of OCSF 1.8.0 (https://schema.ocsf.io/1.8.0) each action is, and which activity of the class. A system that
 * watches logs has rules for classes; the action itself stays in `metadata.event_code`.
 */
import type { ActionCode } from "../actions.ts";

export interface OcsfClass {
  readonly uid: number;
  readonly name: string;
  readonly category: number;
}

const authentication = { uid: 3002, name: "Authentication", category: 3 } as const;
const entityManagement = { uid: 3004, name: "Entity Management", category: 3 } as const;
const applicationLifecycle = { uid: 6002, name: "Application Lifecycle", category: 6 } as const;
const apiActivity = { uid: 6003, name: "API Activity", category: 6 } as const;
const datastoreActivity = { uid: 6005, name: "Datastore Activity", category: 6 } as const;
const detectionFinding = { uid: 2004, name: "Detection Finding", category: 2 } as const;

export type OcsfClassUid = OcsfActivity["class"]["uid"];

export interface OcsfActivity {
  readonly class:
    | typeof authentication
    | typeof entityManagement
    | typeof applicationLifecycle
    | typeof apiActivity
    | typeof datastoreActivity
    | typeof detectionFinding;
  readonly id: number;
  readonly name: string;
}

/** Of every class: what it has no activity for. */
const other = 99;

const logon = { class: authentication, id: 1, name: "Logon" } as const;
const create = { class: entityManagement, id: 1, name: "Create" } as const;
const read = { class: entityManagement, id: 2, name: "Read" } as const;
const update = { class: entityManagement, id: 3, name: "Update" } as const;
const remove = { class: entityManagement, id: 4, name: "Delete" } as const;
const enable = { class: entityManagement, id: 8, name: "Enable" } as const;
const disable = { class: entityManagement, id: 9, name: "Disable" } as const;
const activate = { class: entityManagement, id: 10, name: "Activate" } as const;
const deactivate = { class: entityManagement, id: 11, name: "Deactivate" } as const;
const entity = (name: string) => ({ class: entityManagement, id: other, name }) as const;
const start = { class: applicationLifecycle, id: 3, name: "Start" } as const;
const stop = { class: applicationLifecycle, id: 4, name: "Stop" } as const;
const application = (name: string) => ({ class: applicationLifecycle, id: other, name }) as const;
const api = (name: string) => ({ class: apiActivity, id: other, name }) as const;
const readStore = { class: datastoreActivity, id: 1, name: "Read" } as const;
const updateStore = { class: datastoreActivity, id: 2, name: "Update" } as const;
const deleteStore = { class: datastoreActivity, id: 7, name: "Delete" } as const;
const store = (name: string) => ({ class: datastoreActivity, id: other, name }) as const;
const finding = { class: detectionFinding, id: 1, name: "Create" } as const;

export const ocsfActivities: Readonly<Record<ActionCode, OcsfActivity>> = {
  "ACCESS.REFUSE": api("Refuse"),
  "AUDIT.CLOCK": application("Clock set"),
  "AUDIT.CLOSE": stop,
  "AUDIT.DROP": finding,
  "AUDIT.ERASE": deleteStore,
  "AUDIT.EXPORT": readStore,
  "AUDIT.HOLD.RELEASE": disable,
  "AUDIT.HOLD.SET": enable,
  "AUDIT.KEY.CREATE": create,
  "AUDIT.KEY.ROTATE": update,
  "AUDIT.OPEN": start,
  "AUDIT.PROVE": readStore,
  "AUDIT.READ": readStore,
  "AUDIT.RECOVER": updateStore,
  "AUDIT.REFUSE": store("Refuse"),
  "AUDIT.RETENTION.CHANGE": update,
  "AUDIT.RETENTION.DELETE": deleteStore,
  "AUDIT.VERIFY": store("Verify"),
  "AUDIT.VERIFY.FAIL": finding,
  "AUTH.LOGIN": logon,
  "AUTH.LOGIN.FAIL": logon,
  "AUTH.LOGOUT": { class: authentication, id: 2, name: "Logoff" },
  "AUTH.ROLE.CHANGE": update,
  "AUTH.TOKEN.ISSUE": create,
  "AUTH.TOKEN.REVOKE": remove,
  "COMPRESS.CANCEL": stop,
  "COMPRESS.FAIL": stop,
  "COMPRESS.FINISH": stop,
  "COMPRESS.START": start,
  "CONFIG.CHANGE": update,
  "CONFIG.LOAD": read,
  "CONFIG.REFUSE": entity("Refuse"),
  "ENV.CHANGE": update,
  "ENV.READ": read,
  "EVAL.CANCEL": stop,
  "EVAL.FAIL": stop,
  "EVAL.FINISH": stop,
  "EVAL.START": start,
  "INFER.REQUEST": api("Infer"),
  "MODEL.LOAD": activate,
  "MODEL.LOAD.FAIL": activate,
  "MODEL.LOAD.REQUEST": api("Load"),
  "MODEL.RELOAD": update,
  "MODEL.UNLOAD": deactivate,
  "MODEL.UNLOAD.REQUEST": api("Unload"),
  "PREDICT.CANCEL": stop,
  "PREDICT.FAIL": stop,
  "PREDICT.FINISH": stop,
  "PREDICT.START": start,
  "SEAL.CREATE": entity("Sign"),
  "SEAL.VERIFY": entity("Verify"),
  "SEAL.VERIFY.FAIL": finding,
  "SERVE.START": start,
  "SERVE.STOP": stop,
  "TRAIN.CANCEL": stop,
  "TRAIN.FAIL": stop,
  "TRAIN.FINISH": stop,
  "TRAIN.START": start,
};
