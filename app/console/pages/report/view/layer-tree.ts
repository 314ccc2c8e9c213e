/**
 * Layers by the path in their names: exporters write modules as "layer1/0/conv1", and people think in modules. A group
 * stands where its first layer runs. A step of the path that leads to one thing only is joined with it.
 */
import type { LayerReport } from "@cupel/report";
import { tidyName } from "./layer-name.ts";

export interface LayerLeaf {
  readonly title: string;
  /** Place in the order of execution. */
  readonly index: number;
}

export interface LayerGroup {
  readonly title: string;
  readonly parts: readonly LayerPart[];
  /** Places of all layers inside, ascending. */
  readonly indices: readonly number[];
}

export type LayerPart = LayerLeaf | LayerGroup;

interface Placed {
  readonly path: readonly string[];
  readonly index: number;
}

export function layerTree(layers: readonly Pick<LayerReport, "name">[]): readonly LayerPart[] {
  return partsOf(layers.map(({ name }, index) => ({ path: pathOf(name), index })));
}

export function isGroup(part: LayerPart): part is LayerGroup {
  return "parts" in part;
}

/** "/layer1/layer1.0/conv1/Conv_output_0" is layer1, 0, conv1. */
function pathOf(name: string): string[] {
  const path = tidyName(name).split(/[/.]+/).filter(Boolean);
  return path.length > 0 ? path : [name];
}

function partsOf(placed: readonly Placed[]): LayerPart[] {
  return [...Map.groupBy(placed, ({ path }) => path[0] ?? "")].flatMap(([title, members]) => {
    // A layer that is called as the group of others stays beside them.
    const own = members.filter(({ path }) => path.length <= 1).map(({ index }) => ({ title, index }));
    const inner = members.filter(({ path }) => path.length > 1);
    if (inner.length === 0) return own;
    const parts = partsOf(inner.map(({ path, index }) => ({ path: path.slice(1), index })));
    const [only] = parts;
    if (only !== undefined && parts.length === 1)
      return [...own, { ...only, title: `${title}/${only.title}` }];
    return [...own, { title, parts, indices: inner.map(({ index }) => index) }];
  });
}
