/** What is drawn, as a table: who did what with what, and when. */
import { useMemo } from "preact/hooks";
import { MoreRows } from "../../../shared/part/more-rows.tsx";
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import type { EnvGraphDocument } from "../../../src/env-pages.ts";
import { edgeWords, kindWords, timeText } from "../view/words.ts";

interface EdgeTableProps {
  readonly graph: EnvGraphDocument;
  /** Indices of the nodes that are drawn. */
  readonly shown: readonly number[];
  readonly onPick: (at: number) => void;
}

export function EdgeTable({ graph: { nodes, edges }, shown, onPick }: EdgeTableProps) {
  const drawn = useMemo(() => {
    const places = new Set(shown);
    const within = edges.filter(({ from, to }) => places.has(from) && places.has(to));
    const joined = new Set(within.flatMap(({ from, to }) => [from, to]));
    const alone = shown.filter((at) => !joined.has(at));
    return [
      ...within.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0)),
      ...alone.map((from) => ({ from, to: null, kind: null, at: null })),
    ];
  }, [edges, shown]);
  const button = (at: number) => {
    const node = nodes[at];
    return (
      node !== undefined && (
        <>
          <button type="button" class="link" onClick={() => onPick(at)}>
            {node.label}
          </button>{" "}
          <span class="muted">
            {kindWords[node.kind]}
            {node.pid !== null && ` ${node.pid}`}
          </span>{" "}
          {node.listsAll && <b class="tag">lists all</b>}
        </>
      )
    );
  };
  return (
    <div class="panel edges">
      <h3>What is drawn, as a table</h3>
      <MoreRows key={shown.length} rows={drawn} most={60}>
        {(rows) => (
          <ScrollTable label="Table of what is drawn">
            <table class="plain">
              <thead>
                <tr>
                  <th scope="col">who or what</th>
                  <th scope="col">did</th>
                  <th scope="col">with what</th>
                  <th scope="col">at</th>
                </tr>
              </thead>
              <tbody>
                {rows.map(({ from, to, kind, at }, i) => (
                  <tr key={i}>
                    <th scope="row">{button(from)}</th>
                    <td>{kind !== null && edgeWords[kind]}</td>
                    <td>{to !== null && button(to)}</td>
                    <td class="time">{timeText(at)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </ScrollTable>
        )}
      </MoreRows>
    </div>
  );
}
