/** How the model was made, as it was signed: from what, by which tool, with which recipe. */
import { Section } from "../../../shared/part/section.tsx";
import type { AttestedOrigin } from "../../../src/pages.ts";
import { Facts } from "./facts.tsx";

export function Origin({ origin }: { readonly origin: AttestedOrigin }) {
  const { source, sourceDigest, model, tool, finishedAt, report, reportDigest, command, recipe } = origin;
  return (
    <Section
      id="origin"
      title="How it was made"
      intro="Provenance after SLSA 1.0. Whoever sealed the folder stands for it."
    >
      <div class="panel">
        {command !== null && <pre class="command">{command}</pre>}
        <Facts
          facts={[
            ["Made from", source],
            ["SHA-256", sourceDigest],
            ["Model", model],
            ["Tool", tool],
            ["Finished at", finishedAt],
            ["Report", report],
            ["SHA-256 of it", reportDigest],
          ]}
        />
        {recipe !== null && (
          <details class="recipe">
            <summary>Recipe</summary>
            <pre>{recipe}</pre>
          </details>
        )}
      </div>
    </Section>
  );
}
