/** What the steps that a recipe adds did: pruning, learned rounding, retraining, gates, early exits. */
import type { CompressionReport } from "@cupel/report";
import { Section } from "../../../shared/part/section.tsx";
import { stagesShown } from "../view/stages.ts";
import { ExitPanel } from "./exit-panel.tsx";
import { GatesPanel } from "./gates-panel.tsx";
import { PruningPanel } from "./pruning-panel.tsx";
import { RetrainingPanel } from "./retraining-panel.tsx";
import { RoundingPanel } from "./rounding-panel.tsx";

/** Nothing where none of them ran. */
export function StagesSection({ report }: { readonly report: CompressionReport }) {
  const stages = stagesShown(report);
  if (stages === null) return null;
  const { pruned, rounding, retrained, gates, exit } = stages;
  return (
    <Section
      id="stages"
      title="What was done"
      intro="Each step chose by images of its own. Those that judge the models further down chose nothing."
    >
      <div class="panels">
        {pruned !== null && <PruningPanel pruned={pruned} />}
        {rounding.length > 0 && <RoundingPanel layers={rounding} />}
        {retrained !== null && <RetrainingPanel retrained={retrained} />}
        {gates && <GatesPanel gates={gates} />}
        {exit !== null && <ExitPanel exit={exit} />}
      </div>
    </Section>
  );
}
