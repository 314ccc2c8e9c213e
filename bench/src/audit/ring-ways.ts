/** What is told of a request at its beginning and its end, the same for all, and where it goes: into the ring, or to pino. */
import { join } from "node:path";
import { openRuntimeLog, RingWriter } from "@cupel/audit";
import { pino } from "pino";

export interface Fate {
  /** Of what was offered. */
  readonly consumed: number;
  readonly overwritten: number;
}

/** One way to tell of events. */
export interface RuntimeWay extends AsyncDisposable {
  tell(number: number): void;
  /** Resolves when what is kept of them is in a file. */
  settle(): Promise<Fate>;
}

const path = "/v2/models/board-defects/infer";
const durationMs = 3.25;

/** What it costs to offer events to nobody. */
export async function openNothing(): Promise<RuntimeWay> {
  let offered = 0;
  return {
    tell() {
      offered++;
    },
    settle: async () => ({ consumed: offered, overwritten: 0 }),
    async [Symbol.asyncDispose]() {},
  };
}

/** @param ringBytes default the log's own */
export async function openRing(folder: string, ringBytes?: number): Promise<RuntimeWay> {
  await using stack = new AsyncDisposableStack();
  const log = stack.use(await openRuntimeLog({ folder, ringBytes }));
  const writer = stack.use(new RingWriter(await log.ring("main")));
  const owned = stack.move();
  return {
    tell(number) {
      if (number % 2 === 0) writer.write("http.server.request", [number], ["POST", path]);
      else writer.write("http.server.response", [number, 200, durationMs], []);
    },
    async settle() {
      const { consumed, overwritten, unwritten } = await log.drain();
      if (unwritten > 0) throw new Error(`${unwritten} lines could not be written.`);
      if (writer.overwritten !== overwritten) throw new Error("Writer and reader count differently.");
      return { consumed, overwritten };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** @param buffered 4,096 bytes at a time and asynchronously; else each line by itself */
export async function openPinoLines(
  folder: string,
  { buffered }: { readonly buffered: boolean },
): Promise<RuntimeWay> {
  const dest = join(folder, "pino.log");
  const destination = pino.destination(
    buffered ? { dest, sync: false, minLength: 4096 } : { dest, sync: true },
  );
  const logger = pino(destination);
  let offered = 0;
  return {
    tell(number) {
      offered++;
      if (number % 2 === 0) logger.info({ kind: "http.server.request", id: number, method: "POST", path });
      else logger.info({ kind: "http.server.response", id: number, status: 200, durationMs });
    },
    async settle() {
      await new Promise<void>((resolve, reject) => {
        if (buffered) destination.flush((error) => (error ? reject(error) : resolve()));
        else resolve();
      });
      return { consumed: offered, overwritten: 0 };
    },
    async [Symbol.asyncDispose]() {
      destination.end();
    },
  };
}
