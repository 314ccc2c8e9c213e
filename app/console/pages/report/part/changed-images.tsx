/** The images whose prediction changed, with both predictions. */
import type { ChangedImage, CompressionReport } from "@cupel/report";
import { Section } from "../../../shared/part/section.tsx";
import { countText, percentText, plural } from "../../../shared/view/number-text.ts";
import { byOutcome, outcomeCounts, outcomeOf, outcomeText } from "../view/changed-outcome.ts";
import { className } from "../view/confusion-changes.ts";

export function ChangedImages({ report }: { readonly report: CompressionReport }) {
  const { count, shown } = report.changed;
  const classes = report.accuracy?.classes;
  const title = "Images whose prediction changed";
  if (count === 0) {
    return (
      <Section id="changed" title={title}>
        <p>None: both models gave the same top prediction for every image.</p>
      </Section>
    );
  }
  const counts = outcomeCounts(shown).map((of) => `${countText(of.count)} ${outcomeText[of.outcome]}`);
  const whole =
    shown.length < count
      ? `${plural(count, "image")}, ${countText(shown.length)} of them shown`
      : plural(count, "image");
  return (
    <Section
      id="changed"
      title={title}
      intro={`${whole}${shown.length > 0 ? `: ${counts.join(", ")}` : ""}.`}
    >
      <ul class="gallery">
        {byOutcome(shown).map((image) => (
          <ImageCard key={image.id} image={image} classes={classes} />
        ))}
      </ul>
    </Section>
  );
}

interface ImageCardProps {
  readonly image: ChangedImage;
  readonly classes: readonly string[] | undefined;
}

function ImageCard({ image, classes }: ImageCardProps) {
  const outcome = outcomeOf(image);
  return (
    <li class={`image ${outcome}`}>
      <img src={image.thumbnail} alt="" width={96} height={96} loading="lazy" />
      <div class="image-facts">
        <p class="outcome">{outcomeText[outcome]}</p>
        <dl>
          {image.label !== null && (
            <div>
              <dt>label</dt>
              <dd>{className(classes, image.label)}</dd>
            </div>
          )}
          <Prediction title="before" given={image.original} label={image.label} classes={classes} />
          <Prediction title="after" given={image.compressed} label={image.label} classes={classes} />
        </dl>
      </div>
      <p class="image-id" title={image.id}>
        {image.id}
      </p>
    </li>
  );
}

interface PredictionProps {
  readonly title: string;
  readonly given: ChangedImage["original"];
  readonly label: number | null;
  readonly classes: readonly string[] | undefined;
}

function Prediction({ title, given, label, classes }: PredictionProps) {
  const right = given.prediction === label;
  return (
    <div>
      <dt>{title}</dt>
      <dd class="prediction">
        {label !== null && (
          <span class={right ? "mark right" : "mark wrong"}>
            {right ? "✓" : "✗"}
            <span class="visually-hidden">{right ? " right: " : " wrong: "}</span>
          </span>
        )}{" "}
        {className(classes, given.prediction)} <span class="muted">{percentText(given.probability, 0)}</span>
      </dd>
    </div>
  );
}
