/** As far as the tests use it: the package has no types of its own. */
declare module "opossum" {
  interface Options {
    readonly timeout: false;
    readonly errorThresholdPercentage: number;
    readonly rollingCountTimeout: number;
    readonly rollingCountBuckets: number;
    readonly volumeThreshold: number;
    readonly resetTimeout: number;
    readonly enableSnapshots: boolean;
    readonly rollingPercentilesEnabled: boolean;
  }
  export default class CircuitBreaker<Arguments extends readonly unknown[]> {
    constructor(action: (...given: Arguments) => Promise<unknown>, options: Options);
    readonly opened: boolean;
    fire(...given: Arguments): Promise<unknown>;
    shutdown(): void;
  }
}
