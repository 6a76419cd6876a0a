/**
 * An email address as accounts are told apart by it: ASCII letters in any case are the same, others are not. The case
 * rules of Unicode would make a K of it that somebody else can register, such as U+212A.
 */
export function plainEmail(address: string): string {
  return address.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
