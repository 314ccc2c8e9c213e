/**
 * Every command, in the order of the help. Adding one is adding a row. Its file, with all that it works with, is loaded when
 * its name is met: a line that asks for help loads no server.
 */
import { auditGroup } from "./audit/audit.ts";
import { benchGroup } from "./bench/bench.ts";
import type { CommandGroup, CommandRow } from "./command.ts";
import { envGroup } from "./env/env.ts";

export const commands: readonly CommandRow[] = [
  {
    name: "compress",
    summary: "Make a model smaller and faster, and report layer by layer what it cost",
    load: async () => (await import("./compress.ts")).compressCommand,
  },
  {
    name: "work",
    summary: "Do jobs of compressions that are shared among machines",
    load: async () => (await import("./work.ts")).workCommand,
  },
  {
    name: "train",
    summary: "Train a network on labelled images, or train a model further",
    load: async () => (await import("./train.ts")).trainCommand,
  },
  {
    name: "eval",
    summary: "Measure the accuracy of a model, or compare two on the same images",
    load: async () => (await import("./eval.ts")).evalCommand,
  },
  {
    name: "predict",
    summary: "Tell what a model sees in images",
    load: async () => (await import("./predict.ts")).predictCommand,
  },
  {
    name: "report",
    summary: "Compare two models layer by layer, whoever made the second from the first",
    load: async () => (await import("./report.ts")).reportCommand,
  },
  {
    name: "inspect",
    summary: "Show what a model takes, gives and is made of, and whether the engine here can run it",
    load: async () => (await import("./inspect.ts")).inspectCommand,
  },
  {
    name: "bench-model",
    summary: "Measure latency, throughput and memory of one model, or of two in turn",
    load: async () => (await import("./bench-model.ts")).benchModelCommand,
  },
  {
    name: "bench protocols",
    summary: "Compare protocols and connections over an emulated ocean",
    load: async () => (await import("./bench/protocols.ts")).benchProtocolsCommand,
  },
  {
    name: "bench handshakes",
    summary: "Measure what a first call costs on a fresh connection, with TLS and without",
    load: async () => (await import("./bench/handshakes.ts")).benchHandshakesCommand,
  },
  {
    name: "bench proxy",
    summary: "Put a proxy before a server that makes its answers late, for development",
    load: async () => (await import("./bench/proxy.ts")).benchProxyCommand,
  },
  {
    name: "pack",
    summary: "Pack a model with its weights into one smaller file, for transport",
    load: async () => (await import("./pack.ts")).packCommand,
  },
  {
    name: "unpack",
    summary: "Unpack a packed model: the very files that were packed, checked by digest",
    load: async () => (await import("./unpack.ts")).unpackCommand,
  },
  {
    name: "seal",
    summary: "Seal a folder: prove what is in it, how it was made and by whom",
    load: async () => (await import("./seal.ts")).sealCommand,
  },
  {
    name: "verify",
    summary: "Verify a sealed folder: that it is what was sealed, by one whom you trust",
    load: async () => (await import("./verify.ts")).verifyCommand,
  },
  {
    name: "serve",
    summary: "Serve models over REST, gRPC, gRPC-Web, Connect, WebSocket and GraphQL on one port",
    load: async () => (await import("./serve.ts")).serveCommand,
  },
  {
    name: "audit validate",
    summary: "Check events in a file against a schema, line by line",
    load: async () => (await import("./audit/validate.ts")).auditValidateCommand,
  },
  {
    name: "audit verify",
    summary: "Verify a log line by line, or a file that proves something of one",
    load: async () => (await import("./audit/verify.ts")).auditVerifyCommand,
  },
  {
    name: "audit fsck",
    summary: "Check that the files of a log agree with each other, without a key",
    load: async () => (await import("./audit/fsck.ts")).auditFsckCommand,
  },
  {
    name: "audit prove",
    summary: "Prove that an event is in a log, or that a log only grew",
    load: async () => (await import("./audit/prove.ts")).auditProveCommand,
  },
  {
    name: "audit witness",
    summary: "Have a witness cosign a log, and an authority stamp it",
    load: async () => (await import("./audit/witness.ts")).auditWitnessCommand,
  },
  {
    name: "audit tail",
    summary: "Show the last events of a log, and follow it",
    load: async () => (await import("./audit/tail.ts")).auditTailCommand,
  },
  {
    name: "audit hold",
    summary: "Set, release or list legal holds: what they cover is not removed",
    load: async () => (await import("./audit/hold.ts")).auditHoldCommand,
  },
  {
    name: "audit retain",
    summary: "Remove from the record what is older than its policy keeps",
    load: async () => (await import("./audit/retain.ts")).auditRetainCommand,
  },
  {
    name: "audit erase",
    summary: "Erase a person from the record: destroy the key of its data",
    load: async () => (await import("./audit/erase.ts")).auditEraseCommand,
  },
  {
    name: "env trace",
    summary: "Run a program and tell which package reads, sets and hands on which variable",
    load: async () => (await import("./env/trace.ts")).envTraceCommand,
  },
  {
    name: "env snapshot",
    summary: "Keep the names, lengths and keyed hashes of an environment; never a value",
    load: async () => (await import("./env/snapshot.ts")).envSnapshotCommand,
  },
  {
    name: "env diff",
    summary: "Compare two environments: what is in one alone, and what differs",
    load: async () => (await import("./env/diff.ts")).envDiffCommand,
  },
  {
    name: "env watch",
    summary: "Tell what changes in an environment as it does, with a fuse for alerts",
    load: async () => (await import("./env/watch.ts")).envWatchCommand,
  },
  {
    name: "env graph",
    summary: "Show who set which variable, and which process or script started with it",
    load: async () => (await import("./env/graph.ts")).envGraphCommand,
  },
  {
    name: "demo",
    summary: "See the whole path in under a minute: drawn images, a built-in network, a report",
    load: async () => (await import("./demo.ts")).demoCommand,
  },
];

export const groups: readonly CommandGroup[] = [auditGroup, benchGroup, envGroup];
