/** Where the queue is, and who asks: the one place that sees a password, which nothing here ever prints. */
import { invalid, type Option } from "../arguments/option.ts";

export interface QueueUrl {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly isSecure: boolean;
  /** Without the credentials, for messages. */
  readonly shown: string;
}

/** For a password that shall not stand in the command line, which every user of the machine can read. */
export const passwordVariable = "CUPEL_QUEUE_PASSWORD";

const expected =
  "must be redis://HOST:PORT/DB, or rediss:// for TLS; it is not repeated here, since it may hold a password";

export const queueOption: Option<QueueUrl | undefined> = {
  name: "queue",
  short: null,
  formerly: null,
  placeholder: "URL",
  summary: `Redis or Valkey that holds the jobs: redis://HOST:PORT/DB, rediss:// with TLS; the password in ${passwordVariable}`,
  fallback: null,
  read: (given) => (given === null ? undefined : parseQueueUrl(given, process.env[passwordVariable])),
};

/** @param password where the URL has none. @throws OPTION_INVALID, which does not repeat what was given */
export function parseQueueUrl(given: string, password?: string): QueueUrl {
  const url = URL.parse(given);
  const [, db] = /^\/?(\d{0,5})$/.exec(url?.pathname ?? "?") ?? [];
  const isKnown = url?.protocol === "redis:" || url?.protocol === "rediss:";
  if (url === null || !isKnown || url.hostname === "" || db === undefined || url.search || url.hash) {
    throw invalid("queue", expected);
  }
  const port = url.port === "" ? 6379 : Number(url.port);
  // ioredis takes an IPv6 address without its brackets.
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return {
    host,
    port,
    db: Number(db),
    username: decoded(url.username),
    password: decoded(url.password) ?? (password || undefined),
    isSecure: url.protocol === "rediss:",
    shown: `${url.protocol}//${url.hostname}:${port}/${Number(db)}`,
  };
}

function decoded(text: string): string | undefined {
  if (text === "") return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid("queue", expected);
  }
}

/** A command line as it may be written down. */
export function withoutCredentials(line: string): string {
  return line.replace(/(rediss?:\/\/)[^@\s/']*@/g, "$1***@");
}
