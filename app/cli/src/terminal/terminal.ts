/** The place a command speaks to, as far as it matters: its streams, and what the second can show. */
import type { WriteStream } from "node:tty";
import { visible } from "./visible-text.ts";

export interface Terminal {
  /** Results. */
  out(text: string): void;
  /** The same in pieces: resolves when the piece is taken, to whether anybody still reads. */
  write(text: string): Promise<boolean>;
  /** Everything else: progress, remarks, errors. Colours and bars pass, so whoever prints here makes the rest `visible`. */
  err(text: string): void;
  /** Standard input, from its beginning; null where a person types there. */
  input(): AsyncIterable<Uint8Array> | null;
  /** Is a person reading `out`? */
  readonly isOutInteractive: boolean;
  /** May lines on `err` be redrawn? */
  readonly isInteractive: boolean;
  readonly hasColour: boolean;
  /** Of `err`. */
  columns(): number;
}

/** Of a process. A reader of the output that goes away (EPIPE) ends the output, not the work. */
export function terminalOf(
  streams: {
    readonly stdin: NodeJS.ReadStream;
    readonly stdout: NodeJS.WriteStream;
    readonly stderr: NodeJS.WriteStream;
  },
  environment: Readonly<Record<string, string | undefined>>,
): Terminal {
  for (const stream of [streams.stdout, streams.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  const error: WriteStream = streams.stderr;
  const isInteractive = Boolean(error.isTTY) && environment.TERM !== "dumb" && !environment.CI;
  return {
    out: (text) => void streams.stdout.write(text),
    write: (text) => new Promise((resolve) => streams.stdout.write(text, (error) => resolve(!error))),
    err: (text) => void streams.stderr.write(text),
    input: () => (streams.stdin.isTTY ? null : streams.stdin),
    isOutInteractive: Boolean(streams.stdout.isTTY),
    isInteractive,
    // https://no-color.org: present and not empty, whatever its value.
    hasColour: Boolean(error.isTTY) && environment.TERM !== "dumb" && !environment.NO_COLOR,
    columns: () => error.columns || 80,
  };
}

/** The same, whose results hold nothing that a terminal obeys: JSON and text alike, whoever wrote the names in them. */
export function withVisibleResults(terminal: Terminal): Terminal {
  return {
    ...terminal,
    out: (text) => terminal.out(visible(text)),
    write: (text) => terminal.write(visible(text)),
  };
}

const styles = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const;

export function styled(terminal: Terminal, style: keyof typeof styles, text: string): string {
  const [on, off] = styles[style];
  return terminal.hasColour ? `\u001b[${on}m${text}\u001b[${off}m` : text;
}
