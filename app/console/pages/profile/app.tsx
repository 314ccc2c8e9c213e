/** The page from top to bottom. */

import { Masthead } from "../../shared/part/masthead.tsx";
import { SkipLink } from "../../shared/part/skip-link.tsx";
import type { ProfileDocument } from "../../src/render-profile.ts";
import { FlameGraph } from "./part/flame-graph.tsx";
import { SlowestNodes } from "./part/slowest-nodes.tsx";
import { timeText } from "./view/frame-text.ts";

export function App({ profile: { title, tree, slowest } }: { readonly profile: ProfileDocument }) {
  return (
    <>
      <SkipLink />
      <Masthead kind="profile" title={title}>
        <p class="intro">
          {timeText(tree.us)} of work, added over threads. The time a thread waited is not shown. Width is
          time, not order: equal calls are one box.
        </p>
      </Masthead>
      <main id="main">
        {slowest.length > 0 && <SlowestNodes nodes={slowest} />}
        <FlameGraph tree={tree} />
      </main>
    </>
  );
}
