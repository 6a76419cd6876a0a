import addressparser from "nodemailer/lib/addressparser";
import { isMailAddress, plainEmail } from "../model/emailAddress.ts";

/** For one mail; more are a circular, which a mail program does better. */
export const recipientsAtMost = 20;

/** What somebody typed or pasted: addresses, with names or without, between commas, semicolons or on lines. */
export function recipientsIn(text: string): { readonly addresses: readonly string[]; readonly odd: readonly string[] } {
  const found = addressparser(text.replace(/[;\r\n]+/g, ","), { flatten: true });
  const addresses = new Map<string, string>();
  const odd: string[] = [];
  for (const { address = "", name } of found) {
    if (isMailAddress(address)) addresses.set(plainEmail(address), addresses.get(plainEmail(address)) ?? address);
    else odd.push(address || name);
  }
  return { addresses: [...addresses.values()], odd };
}
