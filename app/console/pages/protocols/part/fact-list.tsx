/** Names and what is said of them. */
interface FactListProps {
  readonly facts: readonly (readonly [name: string, text: string])[];
}

export function FactList({ facts }: FactListProps) {
  return (
    <dl class="facts provenance">
      {facts.map(([name, text]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}
