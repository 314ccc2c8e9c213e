/** How many connections each address has open. An address without any is forgotten. */
export class AddressCount {
  readonly #open = new Map<string, number>();

  /** @returns false, and counts nothing, where the address has `most` already */
  enter(address: string, most: number): boolean {
    const open = this.#open.get(address) ?? 0;
    if (open >= most) return false;
    this.#open.set(address, open + 1);
    return true;
  }

  /** MUST follow each `enter` that returned true, once. */
  leave(address: string): void {
    const left = (this.#open.get(address) ?? 0) - 1;
    if (left > 0) this.#open.set(address, left);
    else this.#open.delete(address);
  }
}
