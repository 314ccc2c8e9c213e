/** What whoever recorded an event gets. Where the operator chose that a log in trouble spills or drops, it says so. */
export type Receipt = LoggedReceipt | SpilledReceipt | DroppedReceipt;

interface ReceiptOfEvent {
  /** Of the event, UUIDv7. */
  readonly id: string;
  /** Of the event, RFC 3339. */
  readonly time: string;
}

/** Durable, and in the tree where the log has one. */
export interface LoggedReceipt extends ReceiptOfEvent {
  readonly state: "logged";
  /** In the log, from 0. */
  readonly index: number;
  /** A size of the tree at which the event is in it; null of a log without a tree. */
  readonly treeSize: number | null;
}

/** Durable in the second folder. It comes to the log, once, when that works again. */
export interface SpilledReceipt extends ReceiptOfEvent {
  readonly state: "spilled";
  readonly index: null;
  readonly treeSize: null;
}

/** Nowhere. It was counted, and the count is recorded when the log works again. */
export interface DroppedReceipt extends ReceiptOfEvent {
  readonly state: "dropped";
  readonly index: null;
  readonly treeSize: null;
}
