import { randomBytes } from "node:crypto";

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** A secret of letters and digits, as viewer tokens and OAuth codes end or consist of. */
export function randomLetters(count: number): string {
  return [...randomBytes(count)].map((byte) => letters.charAt(byte % letters.length)).join("");
}
