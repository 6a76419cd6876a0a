import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { type Mailbox, mailbox } from "../support/mailbox.ts";
import { drivePassword, type TestBridge, testBridge } from "../support/testBridge.ts";
import { until } from "../support/until.ts";

let box: Mailbox;
let bridge: TestBridge;
let browser: Browser;

beforeAll(async () => {
  box = await mailbox();
  bridge = await testBridge({ settings: { SMTP_URL: box.url, MAIL_FROM: "Papers <office@example.com>" } });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await bridge?.close();
  await box?.close();
});

/** A browser of its own, that has never been here. */
const newPerson = async (locale = "en-US"): Promise<Page> => (await browser.newContext({ locale })).newPage();

async function signIn(page: Page): Promise<void> {
  await page.getByLabel("Email").fill("alice@example.com");
  await page.getByLabel("Password").fill(drivePassword);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Opens a mail as a mail program shows it, and follows the button in it. */
async function follow(page: Page, mail: Mailbox["mails"][number] | undefined, label: string): Promise<void> {
  await page.setContent(mail?.html ?? "");
  await page.getByRole("link", { name: label }).click();
}

it("a link goes by mail to a colleague, who asks to edit; the owner hears of it by mail and allows it from there", async () => {
  await bridge.alice.put("Quarterly plan.docx", "text");
  const { id } = await bridge.alice.info("Quarterly plan.docx");
  const owner = await newPerson();
  await owner.setViewportSize({ width: 640, height: 320 });
  await owner.goto(`${bridge.url}/share?file_id=${id}`);
  await signIn(owner);
  await owner.getByRole("radio", { name: /^View/ }).check();
  await owner.getByRole("button", { name: "Create link" }).click();
  await owner.getByText("Send by email").click();
  await owner.getByLabel("Send to").fill("Grace <grace@example.com>, nobody@example.com");
  await owner.getByLabel("Message").fill("Please look at page 3.");
  await owner.getByRole("button", { name: "Send", exact: true }).click();
  await owner.getByText("Sent to grace@example.com.").waitFor();
  // What came of it is in sight on a small screen.
  const refused = await owner.getByText("did not accept the mail to nobody@example.com").boundingBox();
  expect(refused?.y).toBeGreaterThan(0);
  expect(refused?.y).toBeLessThan(owner.viewportSize()?.height ?? 0);
  expect(await owner.getByLabel("Send to").inputValue()).toBe("nobody@example.com");
  await owner.reload();
  await owner.getByText("Sent to grace@example.com.").waitFor();
  expect(box.mails).toHaveLength(1);

  const colleague = await newPerson();
  await follow(colleague, box.mails[0], "Open document");
  await colleague.getByLabel("Your name").fill("Grace");
  await colleague.getByRole("button", { name: "View document" }).click();
  await colleague.getByRole("button", { name: "Ask to edit" }).click();
  await colleague.getByText("You asked Alice to let you edit.").waitFor();
  await until("the owner has a mail", () => box.mails.length === 2);

  // On another machine, where nobody has signed in.
  const elsewhere = await newPerson();
  await follow(elsewhere, box.mails[1], "Allow or refuse");
  await signIn(elsewhere);
  await elsewhere.getByRole("button", { name: "Allow Grace to edit" }).click();
  await elsewhere.getByText("Grace may edit").waitFor();
  await colleague.getByText("Alice lets you edit this document.").waitFor();

  await elsewhere.goto(`${bridge.url}/links`);
  await elsewhere.getByRole("button", { name: "Stop these mails" }).click();
  await elsewhere.getByText("No mail goes to alice@example.com.").waitFor();
});
