// Compression of names on writing (RFC 1035, 4.1.4); the names themselves are of kit/dns.
import { writeName } from '../../../../kit/dns/labels.ts';

/** Writes the owner names of one message; what was written before is pointed to. */
export class NameWriter {
  readonly #offsets = new Map<string, number>();

  /** `at` is where the name will lie in the message. */
  bytes(name: string, at: number): Buffer {
    const whole = Buffer.from(writeName(name));
    for (let label = 0; whole[label] !== 0; label += 1 + (whole[label] ?? 0)) {
      const suffix = whole.toString('latin1', label);
      const known = this.#offsets.get(suffix);
      if (known !== undefined)
        return Buffer.concat([whole.subarray(0, label), Buffer.of(0xc0 | (known >> 8), known & 0xff)]);
      // Pointers have 14 bits.
      if (at + label < 0x4000) this.#offsets.set(suffix, at + label);
    }
    return whole;
  }
}
