/** Every version: whether it is in service, why not, and what it was asked in the last minute. */
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import {
  countText,
  figureText,
  MISSING,
  millisecondsText,
  percentText,
} from "../../../shared/view/number-text.ts";
import type { NamedVersion } from "../app.tsx";
import { breakerState, loadFigures } from "../view/figures.ts";
import type { Span } from "../view/history.ts";
import { type IndexEntry, isCurrent, stateWords } from "../view/model-rows.ts";
import type { Snapshot } from "../view/snapshot.ts";

interface ModelTableProps {
  readonly entries: readonly IndexEntry[];
  readonly latest: Snapshot | null;
  readonly span: Span | null;
  readonly show: (version: NamedVersion) => void;
}

const figureHeads = ["a second", "errors", "P50", "P99", "queued", "rows a run", "breaker"];

export function ModelTable({ entries, latest, span, show }: ModelTableProps) {
  if (entries.length === 0) return <p class="panel muted">None is known here.</p>;
  return (
    <div class="panel">
      <ScrollTable label="Table of the models and versions">
        <table class="plain models">
          <thead>
            <tr>
              <th scope="col">model</th>
              <th scope="col">version</th>
              <th scope="col">state</th>
              {figureHeads.map((head) => (
                <th key={head} scope="col" class="numeric">
                  {head}
                </th>
              ))}
              <th scope="col">report</th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => (
              <Row
                key={`${entry.version}/${entry.name}`}
                isCurrent={isCurrent(entry, entries)}
                {...{ entry, latest, span, show }}
              />
            ))}
          </tbody>
        </table>
      </ScrollTable>
    </div>
  );
}

interface RowProps extends Omit<ModelTableProps, "entries"> {
  readonly entry: IndexEntry;
  /** Whether requests that name no version are for it. */
  readonly isCurrent: boolean;
}

function Row({ entry, isCurrent, latest, span, show }: RowProps) {
  const { name, version, reason, code } = entry;
  const { text, look } = stateWords(entry);
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{version || MISSING}</td>
      <td class="state">
        <span class={`state-tag ${look}`}>{text}</span> {code !== "" && <code>{code}</code>}
        {reason !== "" && <p>{reason}</p>}
      </td>
      {figureTexts(entry, isCurrent, latest, span).map((figure, i) => (
        <td key={figureHeads[i]} class="numeric">
          {figure}
        </td>
      ))}
      <td>
        {look !== "bad" && look !== "idle" && (
          <button
            class="link"
            type="button"
            aria-label={`show the report of ${name}, version ${version}`}
            onClick={() => show(entry)}
          >
            show
          </button>
        )}
      </td>
    </tr>
  );
}

function figureTexts(
  { name, version }: IndexEntry,
  isCurrent: boolean,
  latest: Snapshot | null,
  span: Span | null,
): string[] {
  if (latest === null) return figureHeads.map(() => MISSING);
  // What is refused before a version was found is counted under none.
  const versions = isCurrent ? [version, ""] : [version];
  const isOf = (labels: ReadonlyMap<string, string>) =>
    labels.get("model") === name && versions.includes(labels.get("version") ?? "");
  const load = loadFigures(latest, span, isOf);
  return [
    figureText(load.rate),
    percentText(load.errorShare),
    millisecondsText(load.p50),
    millisecondsText(load.p99),
    countText(load.queued),
    figureText(load.rows),
    breakerState(latest, isOf) ?? MISSING,
  ];
}
