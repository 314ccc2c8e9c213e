/** The cases of transparency-dev/merkle, one file each. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { unpackSuite } from "../suite-folder.ts";

interface InclusionCase {
  readonly leafIdx: number;
  readonly treeSize: number;
  readonly root: string;
  readonly leafHash: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

interface ConsistencyCase {
  readonly size1: number;
  readonly size2: number;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

interface Cases {
  readonly inclusion: InclusionCase;
  readonly consistency: ConsistencyCase;
}

export async function readCases<Kind extends keyof Cases>(
  kind: Kind,
): Promise<readonly { readonly name: string; readonly value: Cases[Kind] }[]> {
  await using folder = await unpackSuite("merkle/testdata.tar.gz");
  return globSync(`testdata/${kind}/**/*.json`, { cwd: folder.path })
    .sort()
    .map((name) => ({ name, value: JSON.parse(readFileSync(join(folder.path, name), "utf8")) }));
}
