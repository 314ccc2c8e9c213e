/**
 * The real command `cupel serve` with several processes, and what only the system knows of it: which of them has a
 * connection. Linux alone says that, in /proc.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, readlink } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const entry = join(fileURLToPath(new URL("../../../..", import.meta.url)), "app/cli/src/main.ts");

/** For the `skip` of a test. */
export const withoutProc = process.platform === "linux" ? false : "needs /proc";

/** For the `skip` of a test that starts several processes and is one of many: `CUPEL_LONG_TESTS=1` asks for it. */
export const longWithProc =
  withoutProc ||
  (process.env.CUPEL_LONG_TESTS ? false : "it takes a quarter of a minute: set CUPEL_LONG_TESTS");

export class ServedCommand implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #text = "";
  #hasClosed = false;
  /** Until it writes again, or ends. */
  #more = Promise.withResolvers<void>();

  /** @param temporary where its own temporary folders are */
  constructor(words: readonly string[], temporary: string) {
    const env = { ...process.env, TMPDIR: temporary };
    this.#child = spawn(process.execPath, [entry, "serve", ...words], {
      stdio: ["ignore", "pipe", "pipe"],
      env,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#text += text;
        this.#goOn();
      });
    }
    this.#closed = once(this.#child, "close").then(() => {
      this.#hasClosed = true;
      this.#goOn();
    });
  }

  #goOn(): void {
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }

  /** All that it wrote so far. */
  get text(): string {
    return this.#text;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** JSON lines of the log with this message. */
  lines(message: string): readonly Record<string, unknown>[] {
    const lines = this.#text.split("\n").filter((line) => line.startsWith("{"));
    return lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === message);
  }

  /** Resolves when it has written this so many times. */
  async wrote(pattern: RegExp, times = 1): Promise<RegExpMatchArray> {
    for (;;) {
      const found = [...this.#text.matchAll(new RegExp(pattern, "g"))][times - 1];
      if (found) return found;
      if (this.#hasClosed) throw new Error(`It never wrote ${pattern} ${times} times:\n${this.#text}`);
      await this.#more.promise;
    }
  }

  /** The port, once all processes serve. */
  async port(): Promise<number> {
    const [, port] = await this.wrote(/Serving .*? at http:\/\/127\.0\.0\.1:(\d+)\./);
    return Number(port);
  }

  /** The processes that answer. */
  async workers(): Promise<readonly number[]> {
    const text = await readFile(`/proc/${this.pid}/task/${this.pid}/children`, "utf8");
    return text.trim().split(/\s+/).filter(Boolean).map(Number);
  }

  /** Which of them has the connection whose client is at that port; null while none has. */
  async ownerOf(clientPort: number, serverPort: number): Promise<number | null> {
    const inode = (await inodesAt(serverPort)).get(clientPort);
    if (inode === undefined) return null;
    for (const pid of await this.workers()) if ((await socketsOf(pid)).has(inode)) return pid;
    return null;
  }

  /** Open connections that the process has at that port. */
  async connectionsOf(pid: number, serverPort: number): Promise<number> {
    const own = await socketsOf(pid);
    return [...(await inodesAt(serverPort)).values()].filter((inode) => own.has(inode)).length;
  }

  /** A connection to each process, by its pid. */
  async connectToEach(serverPort: number): Promise<ReadonlyMap<number, Socket>> {
    const found = new Map<number, Socket>();
    const workers = await this.workers();
    while (found.size < workers.length) {
      const socket = connect(serverPort, "127.0.0.1");
      await once(socket, "connect");
      const owner = await until(() => this.ownerOf(socket.localPort ?? 0, serverPort));
      if (found.has(owner)) socket.destroy();
      else found.set(owner, socket);
    }
    return found;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** @returns its exit status, or the signal that ended it */
  async ended(): Promise<number | string | null> {
    await this.#closed;
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGTERM");
    await this.#closed;
  }
}

/** Asks again and again, as a system that has no event for it must be asked. Gives up after a minute. */
export async function until<T>(ask: () => Promise<T | null | false>): Promise<T> {
  for (const began = performance.now(); ; ) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    if (performance.now() - began > 60_000) throw new Error(`It never came to be: ${ask}`);
    await delay(20);
  }
}

/** Of each open connection to the port: that of the socket at the server's end, by the port of its client. */
async function inodesAt(serverPort: number): Promise<ReadonlyMap<number, string>> {
  const text = await readFile("/proc/net/tcp", "utf8");
  const rows = text.split("\n").map((line) => line.trim().split(/\s+/));
  return new Map(
    rows.flatMap(([, local = "", remote = "", state, , , , , , inode = "0"]) =>
      portOf(local) === serverPort && state === established ? [[portOf(remote), inode] as const] : [],
    ),
  );
}

const established = "01";

/** "0100007F:1F90" */
function portOf(address: string): number {
  return Number.parseInt(address.split(":")[1] ?? "", 16);
}

async function socketsOf(pid: number): Promise<ReadonlySet<string>> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  const links = await Promise.all(names.map((fd) => readlink(`${folder}/${fd}`).catch(() => "")));
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
}
