/** The order in which packages are published: each after those it depends on, so that none is ever incomplete. */

interface Dependent {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** @throws where packages depend on each other in a circle */
export function publishOrder<Package extends Dependent>(packages: readonly Package[]): Package[] {
  const ordered: Package[] = [];
  let rest = [...packages];
  while (rest.length > 0) {
    const names = new Set(rest.map(({ name }) => name));
    const ready = rest.filter(({ dependencies, optionalDependencies }) =>
      Object.keys({ ...dependencies, ...optionalDependencies }).every((name) => !names.has(name)),
    );
    if (ready.length === 0) {
      throw new Error(`these packages depend on each other in a circle: ${[...names].join(", ")}`);
    }
    ordered.push(...ready);
    rest = rest.filter((each) => !ready.includes(each));
  }
  return ordered;
}
