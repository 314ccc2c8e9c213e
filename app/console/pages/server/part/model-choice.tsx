/** A model out of those that the server has. */

interface ModelChoiceProps {
  readonly label: string;
  readonly models: readonly string[];
  /** What no model in particular is called; absent where one must be chosen. */
  readonly all?: string;
  readonly chosen: string;
  readonly choose: (model: string) => void;
}

export function ModelChoice({ label, models, all, chosen, choose }: ModelChoiceProps) {
  return (
    <label class="choice">
      {label}
      <select value={chosen} onChange={({ currentTarget }) => choose(currentTarget.value)}>
        {all !== undefined && <option value="">{all}</option>}
        {models.map((model) => (
          <option key={model} value={model}>
            {model}
          </option>
        ))}
      </select>
    </label>
  );
}
