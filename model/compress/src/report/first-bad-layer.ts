export interface S { name: string }
export function firstBadLayer(..._a: unknown[]): null { return null; }
