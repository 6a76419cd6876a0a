import { expect, it } from "vitest";
import { linkOwner } from "../support/linkOwner.ts";
import { mailbox } from "../support/mailbox.ts";
import { testBridge } from "../support/testBridge.ts";

it("a mail server that is silent after the mail keeps the page waiting for less than ten seconds, and nobody claims it was sent", async () => {
  const box = await mailbox({ onData: (stream) => void stream.resume() });
  const bridge = await testBridge({ settings: { SMTP_URL: box.url, MAIL_FROM: "office@example.com" } });
  const { person, makeLink, linkPageOf } = await linkOwner(bridge);
  await bridge.alice.put("Plan.txt", "text");
  const url = await makeLink((await bridge.alice.info("Plan.txt")).id);
  const page = await linkPageOf("Plan.txt");
  const form = /name="form" value="([\w-]+)"/.exec(page.text)?.[1] ?? "";
  const fields = { form, to: "bob@example.com, eve@example.com", message: "Hello" };
  const startedAtMs = performance.now();
  const path = `${new URL(page.url).pathname}/mail`;
  const posting = person.post(path, fields);

  // Whoever looks meanwhile, or clicks twice, hears that it is being sent.
  const second = await person.follow(await person.post(path, fields));
  expect(second.text).toContain("The mail is being sent.");
  const answer = await person.follow(await posting);
  expect(performance.now() - startedAtMs).toBeLessThan(10_000);
  expect(answer.text).toContain("did not confirm the mail to <bdi>bob@example.com</bdi>");
  expect(answer.text).toContain("Not sent to <bdi>eve@example.com</bdi>, because the mail server does not respond.");
  expect(answer.text).toContain(url);
  await bridge.close();
  await box.close();
});
