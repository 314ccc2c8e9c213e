/**
 * How much of the comparison runs, from the environment: the whole takes hours, a part of it shows that it works.
 * Figures of a part are marked by what they were made with, which stands in the result.
 */

export interface Settings {
  /** `CUPEL_MODELS=a,b`. Default: all. */
  readonly models: readonly string[] | null;
  /** `CUPEL_ROWS=Cupel,NNCF`: rows whose names begin so. Default: all. */
  readonly rows: readonly string[] | null;
  /** `CUPEL_TRAINING=N`: images to train with. Default: all. */
  readonly training: number | null;
  /** `CUPEL_EPOCHS=N`. Default 8, for Cupel and peers alike. */
  readonly epochs: number;
  /** `CUPEL_SEEDS=N`: what trains is made with seeds 1 to N, and the one of median accuracy stands for it. Default 3. */
  readonly seeds: readonly number[];
}

export function settingsOf(environment: Readonly<Record<string, string | undefined>>): Settings {
  const { CUPEL_MODELS, CUPEL_ROWS, CUPEL_TRAINING, CUPEL_EPOCHS = "8", CUPEL_SEEDS = "3" } = environment;
  return {
    models: CUPEL_MODELS?.split(",") ?? null,
    rows: CUPEL_ROWS?.split(",") ?? null,
    training: CUPEL_TRAINING === undefined ? null : Number(CUPEL_TRAINING),
    epochs: Number(CUPEL_EPOCHS),
    seeds: Array.from({ length: Number(CUPEL_SEEDS) }, (_, i) => i + 1),
  };
}
