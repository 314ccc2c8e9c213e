/** A line to copy. */
import { useState } from "preact/hooks";

export function CurlLine({ line }: { readonly line: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(line);
      setCopied(true);
    } catch {
      // Not where the page came without TLS from another machine: a click into the line selects it all.
    }
  };
  return (
    <div class="curl">
      <h3>The same in a shell</h3>
      <pre class="command">{line}</pre>
      <button class="plain" type="button" onClick={() => void copy()}>
        Copy
      </button>{" "}
      <span role="status" class="muted">
        {isCopied ? "Copied." : ""}
      </span>
    </div>
  );
}
