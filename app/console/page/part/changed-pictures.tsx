/** The pictures themselves: an auditor believes what she can see. */
import type { ChangedPicture, CompressionReport } from "@cupel/compress";
import { byOutcome, outcomeCounts, outcomeOf, outcomeText } from "../view/changed-outcome.ts";
import { className } from "../view/confusion-changes.ts";
import { countText, percentText, plural } from "../view/number-text.ts";
import { Section } from "./section.tsx";

export function ChangedPictures({ report }: { readonly report: CompressionReport }) {
  const { count, shown } = report.changed;
  const classes = report.accuracy?.classes;
  const title = "Pictures whose answer changed";
  if (count === 0) {
    return (
      <Section id="changed" title={title}>
        <p>None: both models gave the same first answer for every picture.</p>
      </Section>
    );
  }
  const counts = outcomeCounts(shown).map((of) => `${countText(of.count)} ${outcomeText[of.outcome]}`);
  const whole =
    shown.length < count
      ? `${plural(count, "picture")}, ${countText(shown.length)} of them shown`
      : plural(count, "picture");
  return (
    <Section
      id="changed"
      title={title}
      intro={`${whole}${shown.length > 0 ? `: ${counts.join(", ")}` : ""}.`}
    >
      <ul class="gallery">
        {byOutcome(shown).map((picture) => (
          <PictureCard key={picture.id} picture={picture} classes={classes} />
        ))}
      </ul>
    </Section>
  );
}

interface PictureCardProps {
  readonly picture: ChangedPicture;
  readonly classes: readonly string[] | undefined;
}

function PictureCard({ picture, classes }: PictureCardProps) {
  const outcome = outcomeOf(picture);
  return (
    <li class={`picture ${outcome}`}>
      <img src={picture.thumbnail} alt="" width={96} height={96} loading="lazy" />
      <div class="picture-facts">
        <p class="outcome">{outcomeText[outcome]}</p>
        <dl>
          {picture.label !== null && (
            <div>
              <dt>label</dt>
              <dd>{className(classes, picture.label)}</dd>
            </div>
          )}
          <Answer title="before" given={picture.original} label={picture.label} classes={classes} />
          <Answer title="after" given={picture.compressed} label={picture.label} classes={classes} />
        </dl>
      </div>
      <p class="picture-id" title={picture.id}>
        {picture.id}
      </p>
    </li>
  );
}

interface AnswerProps {
  readonly title: string;
  readonly given: ChangedPicture["original"];
  readonly label: number | null;
  readonly classes: readonly string[] | undefined;
}

function Answer({ title, given, label, classes }: AnswerProps) {
  const right = given.answer === label;
  return (
    <div>
      <dt>{title}</dt>
      <dd class="answer">
        {label !== null && (
          <span class={right ? "mark right" : "mark wrong"}>
            {right ? "✓" : "✗"}
            <span class="visually-hidden">{right ? " right: " : " wrong: "}</span>
          </span>
        )}{" "}
        {className(classes, given.answer)} <span class="muted">{percentText(given.probability, 0)}</span>
      </dd>
    </div>
  );
}
