/** Where access is not open: a key or token, for this tab alone. */
import { useState } from "preact/hooks";
import { currentKey, isKey, keepKey } from "../live/key.ts";

interface KeyFormProps {
  /** Something was refused. */
  readonly isWanted: boolean;
  readonly changed: () => void;
}

export function KeyForm({ isWanted, changed }: KeyFormProps) {
  const [text, setText] = useState("");
  const [has, setHas] = useState(currentKey() !== null);
  const [problem, setProblem] = useState("");
  const keep = (key: string | null) => {
    keepKey(key);
    setHas(key !== null);
    setText("");
    setProblem("");
    changed();
  };
  if (!isWanted && !has) return null;
  return (
    <form
      class="key-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (isKey(text)) keep(text);
        else setProblem("A key has no spaces and only characters that a header can carry.");
      }}
    >
      <label>
        API key or token
        <input
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={text}
          aria-describedby="key-note"
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <button class="plain" type="submit">
        Use
      </button>
      {has && (
        <button class="plain" type="button" onClick={() => keep(null)}>
          Forget
        </button>
      )}
      <p id="key-note" class="muted" aria-live="polite">
        {problem || (has ? "A key is in use." : "It stays in this tab and is sent as a header.")}
      </p>
    </form>
  );
}
