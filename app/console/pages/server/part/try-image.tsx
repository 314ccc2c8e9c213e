/** An image to a model, from the reader's disk: what the model sees in it, how long that took, and how to do the same in a shell. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Section } from "../../../shared/part/section.tsx";
import { asJson, ask, modelPath } from "../live/ask.ts";
import { type PredictOptions, predict, type Tried } from "../live/predict.ts";
import { member } from "../view/answer.ts";
import { ImageField } from "./image-field.tsx";
import { ModelChoice } from "./model-choice.tsx";
import { TriedImage } from "./tried-image.tsx";

export function TryImage({ models }: { readonly models: readonly string[] }) {
  const [chosen, setChosen] = useState("");
  const [options, setOptions] = useState({ top: "", threshold: "", windows: false });
  const [file, setFile] = useState<File | null>(null);
  const [tried, setTried] = useState<Tried | null>(null);
  const [isBusy, setBusy] = useState(false);
  const running = useRef<AbortController | null>(null);
  const model = models.includes(chosen) ? chosen : (models[0] ?? "");
  const task = useTask(model);
  const hasWindows = task === "classification" || task === null;
  useEffect(() => () => running.current?.abort(), []);

  const run = async (image: File) => {
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    setBusy(true);
    const asked: PredictOptions = {
      ...options,
      model,
      windows: options.windows && hasWindows,
      draw: task === "segmentation",
    };
    const found = await predict(image, asked, own.signal);
    if (own.signal.aborted) return;
    setBusy(false);
    setTried(found);
  };
  const take = (image: File) => {
    setFile(image);
    void run(image);
  };
  const set = (change: Partial<typeof options>) => setOptions({ ...options, ...change });
  return (
    <Section
      id="try"
      title="Try an image"
      intro="It goes to this server and nowhere else. JPEG, PNG and WebP are taken."
    >
      {models.length === 0 ? (
        <p class="panel muted">No model is ready.</p>
      ) : (
        <form
          class="panel try-form"
          onSubmit={(event) => {
            event.preventDefault();
            if (file !== null) void run(file);
          }}
        >
          <div class="try-options">
            <ModelChoice label="Model" models={models} chosen={model} choose={setChosen} />
            <Numeric label="Classes" value={options.top} step="1" min="1" set={(top) => set({ top })} />
            <Numeric
              label="Least score"
              value={options.threshold}
              step="0.05"
              min="0"
              set={(threshold) => set({ threshold })}
            />
            {hasWindows && (
              <label class="check">
                <input
                  type="checkbox"
                  checked={options.windows}
                  onChange={({ currentTarget }) => set({ windows: currentTarget.checked })}
                />
                look in windows, for boxes
              </label>
            )}
          </div>
          <ImageField take={take} />
          <button class="plain" type="submit" disabled={file === null || isBusy}>
            Predict again
          </button>
          <p role="status" class="muted">
            {isBusy ? "Predicting." : ""}
          </p>
        </form>
      )}
      {tried !== null && <TriedImage tried={tried} />}
    </Section>
  );
}

interface NumericProps {
  readonly label: string;
  readonly value: string;
  readonly step: string;
  readonly min: string;
  readonly set: (value: string) => void;
}

/** Empty for what the server does by itself. */
function Numeric({ label, value, step, min, set }: NumericProps) {
  return (
    <label class="choice">
      {label}
      <input
        type="number"
        step={step}
        min={min}
        value={value}
        placeholder="usual"
        onInput={({ currentTarget }) => set(currentTarget.value)}
      />
    </label>
  );
}

/** Null where it is not known. */
function useTask(model: string): string | null {
  const [task, setTask] = useState<string | null>(null);
  useEffect(() => {
    setTask(null);
    if (model === "") return;
    const own = new AbortController();
    void ask(modelPath(model, "", ""), { signal: own.signal }, asJson).then((found) => {
      if (own.signal.aborted || "problem" in found) return;
      const said = member(member(found.value, "properties"), "task");
      setTask(typeof said === "string" ? said : null);
    });
    return () => own.abort();
  }, [model]);
  return task;
}
