/** A repository of the models in a folder: `DIR/x.onnx` is model x, version 1; `DIR/x/2/model.onnx` version 2. */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { serveErrors } from "../errors.ts";
import type { ModelRepository } from "./model-repository.ts";
import type { ModelVersion } from "./model-version.ts";
import { openVersion, type VersionFile } from "./open-version.ts";

/** @param path a folder, or one `.onnx` file. @throws REPOSITORY_INVALID and what opening a session throws */
export async function openRepository(path: string): Promise<ModelRepository> {
  await using opened = new AsyncDisposableStack();
  const models = new Map<string, ModelVersion[]>();
  for (const file of await versionFiles(path)) {
    const version = opened.use(await openVersion(file));
    models.set(file.model, [...(models.get(file.model) ?? []), version]);
  }
  if (models.size === 0) {
    throw serveErrors.error("REPOSITORY_INVALID", `${path} holds no model. Give a folder with NAME.onnx.`);
  }
  const closing = opened.move();
  const versions = (model: string): readonly ModelVersion[] => {
    const found = models.get(model);
    if (found) return found;
    const known = [...models.keys()].join(", ");
    throw serveErrors.error("MODEL_UNKNOWN", `There is no model "${model}". The server has ${known}.`);
  };
  return {
    versions,
    lease(model, version) {
      const ready = versions(model);
      const found = version === undefined ? ready.at(-1) : ready.find((each) => each.version === version);
      if (found) return { version: found, [Symbol.dispose]() {} };
      throw serveErrors.error("VERSION_UNKNOWN", `The model "${model}" has no version "${version}".`);
    },
    index: () =>
      [...models.values()]
        .flat()
        .map(({ model, version }) => ({ name: model, version, state: "READY", reason: "" })),
    load: async (model) => void versions(model),
    unload: async (model) => void models.delete(model),
    isReady: true,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

async function versionFiles(path: string): Promise<VersionFile[]> {
  if (!(await stat(path)).isDirectory()) {
    return [{ model: basename(path, ".onnx"), version: "1", path }];
  }
  const files: VersionFile[] = [];
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isFile() && entry.name.endsWith(".onnx")) {
      files.push({ model: basename(entry.name, ".onnx"), version: "1", path: join(path, entry.name) });
    } else if (entry.isDirectory()) {
      const inside = await readdir(join(path, entry.name), { withFileTypes: true });
      const numbered = inside.filter(({ name }) => /^[1-9]\d*$/.test(name)).map(({ name }) => name);
      for (const version of numbered.sort((a, b) => Number(a) - Number(b))) {
        files.push({ model: entry.name, version, path: join(path, entry.name, version, "model.onnx") });
      }
    }
  }
  return files;
}
