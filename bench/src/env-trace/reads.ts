/** What a read of the environment costs, each figure from a process of its own: plain, and under a trace. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Spread, spreadOf } from "@cupel/base";
import type { PreparedTrace } from "@cupel/env-trace";
import { tableText } from "../figures.ts";
import { pairs, type Run } from "./pairs.ts";

/** In a loop, as a package would; prints nanoseconds a read. */
const reader = `
const [, , kind, count] = process.argv;
const { env } = process;
const bare = new Proxy({}, { get: (_, name) => env[name] });
const names = Array.from({ length: Number(count) }, (_, i) => kind === "first" ? "NAME_" + i : kind === "tagged" ? "A_TOKEN" : "HOME");
const from = kind === "bare" ? bare : env;
const read = (some) => { let found = 0; for (let i = 0; i < some.length; i++) if (from[some[i]] !== undefined) found++; return found; };
if (kind !== "first") read(names.slice(0, names.length / 10));
const started = process.hrtime.bigint();
read(names);
console.log(Number(process.hrtime.bigint() - started) / names.length);
`;

const kinds = {
  repeated: { title: "a name, again and again", reads: 50_000, isTraced: true },
  tagged: { title: "a tagged name, again and again", reads: 20_000, isTraced: true },
  first: {
    title: "each name for the first time, with the stack and a line written",
    reads: 2_000,
    isTraced: true,
  },
  bare: { title: "behind a Proxy that does nothing else", reads: 50_000, isTraced: false },
} as const;
type Kind = keyof typeof kinds;

export interface ReadFigures {
  readonly readsOf: Readonly<Record<Kind, number>>;
  readonly nanoseconds: Readonly<Record<Kind, { readonly plain: Spread; readonly traced: Spread }>>;
}

export async function measureReads(project: string, trace: PreparedTrace, rounds: number, run: Run) {
  await writeFile(join(project, "reader.cjs"), reader);
  const plain = { ...process.env, HOME: "/home/reader", A_TOKEN: "of the bench" };
  const traced = { ...plain, NODE_OPTIONS: trace.nodeOptions(process.env.NODE_OPTIONS) };
  const nanoseconds = {} as Record<Kind, { plain: Spread; traced: Spread }>;
  for (const kind of Object.keys(kinds) as Kind[]) {
    const { reads, isTraced } = kinds[kind];
    const words = (name: string) => ["reader.cjs", name, String(reads)];
    const found = await pairs(rounds, {
      plain: async () => Number(await run(words(isTraced ? kind : "repeated"), plain)),
      traced: async () => Number(await run(words(kind), isTraced ? traced : plain)),
    });
    nanoseconds[kind] = { plain: spreadOf(found.plain), traced: spreadOf(found.traced) };
  }
  const text = ({ median, p10, p90 }: Spread) =>
    `${median.toFixed(0)} ns (${p10.toFixed(0)} - ${p90.toFixed(0)})`;
  const table = tableText([
    ["a read, median of processes", "plain", "traced"],
    ...(Object.keys(kinds) as Kind[]).map((kind) => [
      kinds[kind].title,
      text(nanoseconds[kind].plain),
      text(nanoseconds[kind].traced),
    ]),
  ]);
  return { table, nanoseconds };
}
