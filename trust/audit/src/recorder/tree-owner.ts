/**
 * The recorder's side of the hashing thread: it hands over whole commits, without copying them, and keeps for each who
 * waits for it. Only what the journal has acknowledged is handed over. Should the thread end, another one takes the tree up from
 * the disk and reads from the journal what is missing, and whoever waited gets an answer from that.
 */
import { setTimeout as pause } from "node:timers/promises";
import { moduleBeside, OwnedThread, reasonOf } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import type { TreeState, TreeTask, TreeThreadData } from "./tree-task.ts";

interface WaitingRange {
  /** Index after its last event. */
  readonly end: number;
  readonly onSize: (treeSize: number) => void;
}

/** Milliseconds before another thread is begun; doubled by each that fails. */
const firstPause = 50;
const longestPause = 5000;

export class TreeOwner {
  readonly #data: TreeThreadData;
  #thread: OwnedThread<TreeTask, TreeState>;
  /** Events that the thread was given or finds in the journal. */
  #given: number;
  #state: TreeState;
  #waiting: WaitingRange[] = [];
  #revival: Promise<void> | null = null;
  #restarts = 0;
  #failure: string | null = null;
  #isClosed = false;

  private constructor(data: TreeThreadData, thread: OwnedThread<TreeTask, TreeState>, state: TreeState) {
    this.#data = data;
    this.#thread = thread;
    this.#state = state;
    this.#given = state.size;
  }

  /** @param to events that the journal has acknowledged. @throws what `GrowingTree.open` throws, THREAD_CRASHED */
  static async open(data: TreeThreadData, to: number): Promise<TreeOwner> {
    const thread = start(data);
    try {
      return new TreeOwner(data, thread, await thread.perform({ kind: "open", to }));
    } catch (thrown) {
      await thread.close();
      throw thrown;
    }
  }

  get state(): TreeState {
    return this.#state;
  }

  /** Events that are durable and not in the tree yet. */
  get behind(): number {
    return this.#given - this.#state.size;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Why the tree does not go on, or is not published; null where it is well. */
  get fault(): string | null {
    return this.#failure ?? this.#state.fault;
  }

  /** @param lines become the thread's. @param onSize called once the events are in the tree */
  append(first: number, count: number, lines: Uint8Array<ArrayBuffer>, onSize: WaitingRange["onSize"]): void {
    const end = first + count;
    this.#given = end;
    this.#waiting.push({ end, onSize });
    // Whoever takes the tree up reads them from the journal.
    if (this.#revival === null) this.#tell({ kind: "append", first, lines }, [lines.buffer]);
  }

  /** What has grown gets a checkpoint, in the background. Call it each second. */
  publish(): void {
    const { size, published } = this.#state;
    if (this.#revival === null && size > published) this.#tell({ kind: "publish", wait: false });
  }

  /** Resolves when a checkpoint on the disk covers the first `size` events, all of which were given. @throws RECORD_UNAVAILABLE */
  async published(size: number): Promise<void> {
    await this.#revival;
    if (this.#state.published >= size) return;
    this.#settle(await this.#thread.perform({ kind: "publish", wait: true }));
    if (this.#state.published >= size) return;
    const reason = this.fault ?? "the tree is behind";
    throw auditErrors.error("RECORD_UNAVAILABLE", `There is no checkpoint of ${size} events yet: ${reason}.`);
  }

  /** @param publish whether the rest goes into the tree and a last checkpoint is written, as far as that can be done */
  async close(publish: boolean): Promise<void> {
    this.#isClosed = true;
    await this.#revival;
    try {
      if (publish) this.#settle(await this.#thread.perform({ kind: "publish", wait: true }));
    } catch (thrown) {
      this.#failure = reasonOf(thrown);
    }
    await this.#thread.close();
  }

  #tell(task: TreeTask, transfer: readonly ArrayBuffer[] = []): void {
    const thread = this.#thread;
    thread.perform(task, { transfer }).then(
      (state) => this.#settle(state),
      (thrown: unknown) => {
        // Others of the same thread fail with it.
        if (thread !== this.#thread || this.#revival !== null) return;
        this.#failure = reasonOf(thrown);
        this.#revival = this.#revive().finally(() => {
          this.#revival = null;
        });
      },
    );
  }

  #settle(state: TreeState): void {
    this.#state = state;
    let settled = 0;
    while (settled < this.#waiting.length && (this.#waiting[settled]?.end ?? 0) <= state.size) settled++;
    const ranges = this.#waiting.splice(0, settled);
    for (const { onSize } of ranges) onSize(state.size);
  }

  async #revive(): Promise<void> {
    for (let wait = firstPause; ; wait = Math.min(2 * wait, longestPause)) {
      await this.#thread.close();
      // A closed log is taken up by whoever opens it next.
      if (this.#isClosed) return;
      await pause(wait);
      this.#thread = start(this.#data);
      this.#restarts++;
      try {
        await this.#catchUp();
        this.#failure = null;
        return;
      } catch (thrown) {
        this.#failure = reasonOf(thrown);
      }
    }
  }

  /** More is acknowledged while the thread reads. */
  async #catchUp(): Promise<void> {
    this.#settle(await this.#thread.perform({ kind: "open", to: this.#given }));
    while (this.#state.size < this.#given) {
      this.#settle(await this.#thread.perform({ kind: "open", to: this.#given }));
    }
  }
}

function start(data: TreeThreadData): OwnedThread<TreeTask, TreeState> {
  return new OwnedThread(moduleBeside(import.meta.url, "tree-thread"), {
    name: "cupel-audit-tree",
    data,
    closed: () =>
      auditErrors.error("RECORD_UNAVAILABLE", "The log is closed. Open it again to record into it."),
    advice: "Another one takes the tree up from the disk.",
  });
}
