/** What figures depend on besides the link, for whoever reads them: kernel, Node.js, windows of HTTP/2, processor. */
import { getDefaultSettings } from "node:http2";
import { availableParallelism, cpus, release } from "node:os";
import { type Windows, windowDefaults } from "@cupel/client";

export interface Environment {
  readonly kernel: string;
  readonly node: string;
  readonly processor: string;
  readonly cores: number;
  /** Bytes that an HTTP/2 stream may be sent before it says more, as Node.js has it. */
  readonly streamWindow: number;
  /** Those of @cupel/client, of a stream and of a connection. */
  readonly clientWindows: Windows;
}

export function environment(): Environment {
  return {
    kernel: release(),
    node: process.version,
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    streamWindow: getDefaultSettings().initialWindowSize ?? 65_535,
    clientWindows: windowDefaults,
  };
}
