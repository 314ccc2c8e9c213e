/** Tests that take most of a minute each are asked for: `CUPEL_LONG_TESTS=1 npm test -- service/shared-map`. */
export const areLongTestsAsked = process.env.CUPEL_LONG_TESTS !== undefined;

/** For the `skip` of a test. */
export const skipLong = areLongTestsAsked ? false : "it takes most of a minute: set CUPEL_LONG_TESTS";

/**
 * For an exploration that takes most of a minute: how many interruptions a schedule may have in every run, and how
 * many where long tests are asked for.
 */
export const preemptions = (inEveryRun: number, asked = Number.POSITIVE_INFINITY): number =>
  areLongTestsAsked ? asked : inEveryRun;
