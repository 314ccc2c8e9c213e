/** Tests that take most of a minute each are asked for: `CUPEL_LONG_TESTS=1 npm test -- service/shared-map`. */
export const areLongTestsAsked = process.env.CUPEL_LONG_TESTS !== undefined;

/** For the `skip` of a test. */
export const skipLong = areLongTestsAsked ? false : "it takes most of a minute: set CUPEL_LONG_TESTS";
