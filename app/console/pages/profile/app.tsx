/** The page from top to bottom. */

import { Masthead } from "../../shared/part/masthead.tsx";
import { SkipLink } from "../../shared/part/skip-link.tsx";
import type { ProfileDocument } from "../../src/pages.ts";
import { FlameGraph } from "./part/flame-graph.tsx";
import { SlowestNodes } from "./part/slowest-nodes.tsx";
import { timeText } from "./view/frame-text.ts";

export function App({ profile: { title, tree, slowest } }: { readonly profile: ProfileDocument }) {
  return (
    <>
      <SkipLink />
      <Masthead kind="profile" title={title}>
        <p class="intro">
          {timeText(tree.us)} of busy time, summed over threads. Waiting is not shown. The width of a box is
          time, not order. Equal calls are one box.
        </p>
      </Masthead>
      <main id="main">
        {slowest.length > 0 && <SlowestNodes nodes={slowest} />}
        <FlameGraph tree={tree} />
      </main>
    </>
  );
}
