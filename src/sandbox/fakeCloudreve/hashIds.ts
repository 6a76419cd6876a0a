import { createHash } from "node:crypto";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const kinds = ["file", "entity", "user", "group", "policy", "share"] as const;
const base = BigInt(alphabet.length);

export type IdKind = (typeof kinds)[number];

/** Words for numbers as Cloudreve makes them: typed, unlike between kinds, growing in length, different in each instance. */
export class HashIds {
  readonly #letters: string;
  readonly #factor: bigint;
  readonly #offset: bigint;

  constructor(instanceId: string) {
    const seed = createHash("sha256").update(instanceId).digest();
    this.#letters = shuffle(alphabet, seed);
    this.#offset = seed.readBigUInt64BE(8);
    this.#factor = coprimeTo62(seed.readBigUInt64BE(16));
  }

  encode(kind: IdKind, number: number): string {
    const length = wordLength(number);
    const modulus = base ** BigInt(length);
    const plain = BigInt(number * kinds.length + kinds.indexOf(kind));
    let rest = (plain * this.#factor + this.#offset) % modulus;
    let word = "";
    for (let place = 0; place < length; place++) {
      word += this.#letters.charAt(Number(rest % base));
      rest /= base;
    }
    return word;
  }

  /** @returns the number, or undefined when the word was never given out for this kind */
  decode(kind: IdKind, word: string): number | undefined {
    const modulus = base ** BigInt(word.length);
    let scrambled = 0n;
    for (const letter of [...word].reverse()) {
      const value = this.#letters.indexOf(letter);
      if (value < 0) return undefined;
      scrambled = scrambled * base + BigInt(value);
    }
    const shifted = (scrambled - (this.#offset % modulus) + modulus) % modulus;
    const plain = Number((shifted * inverse(this.#factor % modulus, modulus)) % modulus);
    const number = Math.floor(plain / kinds.length);
    if (!Number.isSafeInteger(plain) || plain % kinds.length !== kinds.indexOf(kind)) return undefined;
    return wordLength(number) === word.length ? number : undefined;
  }
}

// Nobody may build on a fixed length: it grows early, as in the recordings.
function wordLength(number: number): number {
  if (number < 24) return 4;
  return number < 100_000 ? 5 : 7;
}

function shuffle(letters: string, seed: Buffer): string {
  const ranked = [...letters].map((letter) => ({
    letter,
    rank: createHash("sha256").update(seed).update(letter).digest("hex"),
  }));
  return ranked
    .sort((left, right) => (left.rank < right.rank ? -1 : 1))
    .map((entry) => entry.letter)
    .join("");
}

function coprimeTo62(candidate: bigint): bigint {
  let factor = (candidate % 10n ** 15n) * 2n + 1n;
  if (factor % 31n === 0n) factor += 2n;
  return factor;
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [older, newer] = [modulus, value];
  let [olderFactor, newerFactor] = [0n, 1n];
  while (newer !== 0n) {
    const quotient = older / newer;
    [older, newer] = [newer, older - quotient * newer];
    [olderFactor, newerFactor] = [newerFactor, olderFactor - quotient * newerFactor];
  }
  return ((olderFactor % modulus) + modulus) % modulus;
}
