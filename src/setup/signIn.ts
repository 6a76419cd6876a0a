import { z } from "zod";
import { type CloudreveClient, dataOf } from "../cloudreve/client.ts";
import { offerPassword, offerSecondFactor, signedIn, type Tokens } from "../cloudreve/tokenCalls.ts";
import type { Terminal } from "./terminal.ts";

const code = { secondFactor: 203, secondStepGone: 404, wrongSecondFactor: 40_022, captcha: 40_026 };
const triesAllowed = 3;

/** Setup can't go on; the message tells the operator why, and what to do. */
export class SetupEnded extends Error {}

/**
 * Asks for an administrator's email and password, and for the code of a second factor; none of them is kept.
 * @throws SetupEnded @throws BridgeError when Cloudreve does not answer
 */
export async function signInAsAdministrator(client: CloudreveClient, terminal: Terminal): Promise<Tokens> {
  terminal.say("Sign in as an administrator of Cloudreve. Email and password are used now and kept nowhere.");
  for (let tries = 1; tries <= triesAllowed; tries++) {
    const email = await answered(terminal, "Email: ");
    const password = await answered(terminal, "Password (not shown): ", "hidden");
    const answer = await offerPassword(client, email.trim(), password);
    if (answer.code === 0) return signedIn(answer);
    if (answer.code === code.secondFactor) {
      return withSecondFactor(client, terminal, dataOf(z.string(), { ...answer, code: 0 }));
    }
    if (answer.code === code.captcha) {
      throw new SetupEnded(
        "Cloudreve asks for a captcha at sign-in, which setup can't show. Switch it off while setup runs (Dashboard → Settings → Captcha), or do the steps of the README by hand.",
      );
    }
    terminal.say("Cloudreve refuses this email and password.");
  }
  throw new SetupEnded("Not signed in.");
}

async function withSecondFactor(client: CloudreveClient, terminal: Terminal, sessionId: string): Promise<Tokens> {
  for (let tries = 1; tries <= triesAllowed; tries++) {
    const otp = await answered(terminal, "Two-factor code (not shown): ", "hidden");
    const answer = await offerSecondFactor(client, sessionId, otp.trim());
    if (answer.code === 0) return signedIn(answer);
    if (answer.code === code.secondStepGone) throw new SetupEnded("This took too long for Cloudreve. Run setup again.");
    terminal.say("Cloudreve refuses this code.");
  }
  throw new SetupEnded("Not signed in.");
}

async function answered(terminal: Terminal, question: string, hidden?: "hidden"): Promise<string> {
  const answer = await terminal.ask(question, hidden);
  if (answer === undefined) throw new SetupEnded("Cancelled.");
  return answer;
}
