/** The matrix with its filters, its legend, and what the chosen package did. */
import { useMemo, useState } from "preact/hooks";
import { Section } from "../../../shared/part/section.tsx";
import { countText, plural } from "../../../shared/view/number-text.ts";
import type { EnvTraceDocument } from "../../../src/env-pages.ts";
import { kindTexts } from "../view/kind-text.ts";
import { type MatrixFilter, matrixOf, noFilter } from "../view/matrix.ts";
import { MatrixGrid } from "./matrix-grid.tsx";
import { PackagePanel } from "./package-panel.tsx";

const ticks = [
  ["isSecretOnly", "only secrets"],
  ["isNewOnly", "only new"],
  ["isRefusedOnly", "only denied or not listed"],
] as const;

interface MatrixSectionProps {
  readonly trace: EnvTraceDocument;
  /** Index into the packages. */
  readonly selected: number;
  readonly onSelect: (at: number) => void;
}

export function MatrixSection({ trace, selected, onSelect }: MatrixSectionProps) {
  const [filter, setFilter] = useState<MatrixFilter>(noFilter);
  const matrix = useMemo(() => matrixOf(trace, filter), [trace, filter]);
  const change = (part: Partial<MatrixFilter>) => setFilter({ ...filter, ...part });
  return (
    <Section
      id="matrix"
      title="Packages and names"
      intro="A row is a package, a column a name; secrets come first. Click a row to see what it did, where and by whose call. By keyboard: arrow keys to move, Enter to choose."
    >
      <search class="search">
        <label>
          Package{" "}
          <input
            type="search"
            value={filter.packageText}
            autocomplete="off"
            onInput={(event) => change({ packageText: event.currentTarget.value })}
          />
        </label>
        <label>
          Name{" "}
          <input
            type="search"
            value={filter.keyText}
            autocomplete="off"
            onInput={(event) => change({ keyText: event.currentTarget.value })}
          />
        </label>
        {ticks.map(([name, text]) => (
          <label key={name}>
            <input
              type="checkbox"
              checked={filter[name]}
              onChange={(event) => change({ [name]: event.currentTarget.checked })}
            />{" "}
            {text}
          </label>
        ))}
        <output>
          {plural(matrix.rows.length, "package")} of {countText(trace.packages.length)},{" "}
          {plural(matrix.columns.length, "column")}, {plural(matrix.accesses, "fact")}
        </output>
      </search>
      <ul class="legend">
        {Object.values(kindTexts).map(({ letter, does, end }) => (
          <li key={letter}>
            <b class="cell">{letter}</b> {does} {end}
          </li>
        ))}
        <li>
          <b class="cell tagged">R</b> a secret
        </li>
        <li>
          <b class="cell refused">R</b> denied, or not listed by the policy
        </li>
        <li>
          <b class="cell fresh">R</b> new since the baseline
        </li>
      </ul>
      <MatrixGrid matrix={matrix} selected={selected} onSelect={onSelect} />
      <PackagePanel trace={trace} at={selected} />
    </Section>
  );
}
