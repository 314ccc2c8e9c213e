/** The columns of the table, explained for someone who meets them for the first time. */
import { layerColumns } from "../view/layer-columns.ts";

export function HowToRead() {
  return (
    <details class="how-to-read">
      <summary>How to read the columns</summary>
      <dl>
        {layerColumns.map((column) => (
          <div key={column.id}>
            <dt>{column.group === "" ? column.title : `${column.group}, ${column.title}`}</dt>
            <dd>{column.explanation}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
