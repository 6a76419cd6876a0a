/**
 * An email address as accounts are told apart by it: ASCII letters in any case are the same, others are not. The case
 * rules of Unicode would make a K of it that somebody else can register, such as U+212A.
 */
export function plainEmail(address: string): string {
  return address.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/**
 * Whether mail can be sent to an address. Stricter than the standard: no quotes, comments or lists, in which programs
 * read different addresses.
 */
export function isMailAddress(address: string): boolean {
  return address.length <= 254 && /^[^\s\p{Cc}@<>()[\]\\,;:"]{1,64}@[^\s\p{Cc}@<>()[\]\\,;:"_]+$/u.test(address);
}
