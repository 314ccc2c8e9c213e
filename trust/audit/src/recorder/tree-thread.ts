/** The entry of the hashing thread: on the recorder's own thread hashes would cost more than all the rest. */
import { workerData } from "node:worker_threads";
import { serveThread } from "@cupel/base";
import { GrowingTree } from "./growing-tree.ts";
import type { TreeState, TreeTask, TreeThreadData } from "./tree-task.ts";

const data: TreeThreadData = workerData;
let tree: GrowingTree | null = null;

async function treeFor(task: TreeTask): Promise<GrowingTree> {
  if (task.kind === "open") tree ??= await GrowingTree.open(data, task.to);
  if (task.kind === "open") await tree?.catchUp(task.to);
  if (tree === null) throw new RangeError("The tree must be opened first.");
  return tree;
}

serveThread<TreeTask, TreeState>({
  async perform(task) {
    const growing = await treeFor(task);
    if (task.kind === "append") await growing.append(task.first, task.lines);
    if (task.kind === "publish" && task.wait) await growing.publishAll();
    if (task.kind === "publish" && !task.wait) growing.publish();
    return { result: growing.state };
  },
});
