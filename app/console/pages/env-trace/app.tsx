/** The page from top to bottom: what is worth a look first. */
import { useMemo, useState } from "preact/hooks";
import { Masthead } from "../../shared/part/masthead.tsx";
import { SkipLink } from "../../shared/part/skip-link.tsx";
import type { EnvTraceDocument } from "../../src/env-pages.ts";
import { ChildrenTable } from "./part/children-table.tsx";
import { Findings } from "./part/findings.tsx";
import { MatrixSection } from "./part/matrix-section.tsx";
import { Uncovered } from "./part/uncovered.tsx";
import { findingsOf } from "./view/findings.ts";
import { remarksOf, titleOf } from "./view/verdict.ts";

export function App({ trace }: { readonly trace: EnvTraceDocument }) {
  const { program, status, signal, mode, baseline, lockfile, accesses } = trace;
  const findings = useMemo(() => findingsOf(trace), [trace]);
  const [selected, setSelected] = useState(() => findings[0]?.package ?? firstWithSecret(trace));
  const end = signal === null ? `status ${status}` : `signal ${signal}`;
  return (
    <>
      <SkipLink />
      <Masthead kind="environment trace" title={titleOf(trace)} madeAt={trace.tracedAt}>
        <div class="remarks">
          {remarksOf(trace).map(({ isWarning, bold, text }) => (
            <p key={bold} class={isWarning ? "remark warning" : "remark good"}>
              <b>{bold}</b> {text}
            </p>
          ))}
        </div>
        <dl class="facts traced">
          {[
            ["Program", program],
            ["Ended with", end],
            ["Policy", mode === null ? "none" : `mode ${mode}`],
            ["Baseline", baseline ?? "none"],
            ["Older lockfile", lockfile ?? "none"],
          ].map(([term, text]) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
      </Masthead>
      <main id="main">
        {findings.length > 0 && <Findings findings={findings} onSelect={setSelected} />}
        {accesses.length > 0 && <MatrixSection trace={trace} selected={selected} onSelect={setSelected} />}
        {accesses.length > 0 && <ChildrenTable trace={trace} />}
        <Uncovered />
      </main>
    </>
  );
}

function firstWithSecret({ accesses, keys }: EnvTraceDocument): number {
  const found = accesses.find(({ key }) => key !== null && keys.at(key)?.isTagged === true);
  return (found ?? accesses[0])?.package ?? 0;
}
