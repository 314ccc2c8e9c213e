/** Which two rows the charts have in colour. */
import type { ProtocolsCell } from "../../../src/pages.ts";

interface CellChoiceProps {
  /** Of the section. */
  readonly id: string;
  readonly cells: readonly ProtocolsCell[];
  readonly chosen: readonly [number, number];
  readonly onChoose: (chosen: readonly [number, number]) => void;
}

export function CellChoice({ id, cells, chosen, onChoose }: CellChoiceProps) {
  const [first, second] = chosen;
  const choices = [
    { name: "In blue", key: "first", at: first, choose: (at: number) => onChoose([at, second]) },
    { name: "In ink", key: "second", at: second, choose: (at: number) => onChoose([first, at]) },
  ];
  return (
    <div class="cell-choice">
      {choices.map(({ name, key, at, choose }) => (
        <label key={key} class={key} for={`${id}-${key}`}>
          <span class="swatch" aria-hidden="true" /> {name}
          <select id={`${id}-${key}`} onChange={({ currentTarget }) => choose(Number(currentTarget.value))}>
            {cells.map((cell, i) => (
              <option key={cell.name} value={i} selected={i === at}>
                {cell.name}
              </option>
            ))}
          </select>
        </label>
      ))}
      <span class="muted">The others are grey.</span>
    </div>
  );
}
