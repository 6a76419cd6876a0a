import type { WebAnswer } from "./webPerson.ts";

/** A page around the editor as its script sees it. */
export interface AskingPage {
  readonly mayAsk: boolean;
  ask(body?: unknown): Promise<Response>;
  /** Where the request stands. */
  access(): Promise<unknown>;
}

export function askingPage(bridgeUrl: string, page: WebAnswer): AskingPage {
  const { pageKey, mayAskToEdit } = JSON.parse(/id="facts"[^>]*>([^<]*)</.exec(page.text)?.[1] ?? "{}");
  return {
    mayAsk: mayAskToEdit,
    ask: (body = {}) =>
      fetch(`${bridgeUrl}/edit/${pageKey}/ask`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      }),
    access: async () => {
      const status = await fetch(`${bridgeUrl}/edit/${pageKey}/status`);
      return ((await status.json()) as { access?: unknown }).access;
    },
  };
}

/** The owner's form that answers this person, on a page of theirs. */
export function answerForm(page: WebAnswer, name: string): { path: string; fields: Record<string, string> } {
  const item = page.text.split("<li>").find((piece) => piece.includes(name) && piece.includes("/access"));
  const field = (of: string) => new RegExp(`name="${of}" value="([^"]*)"`).exec(item ?? "")?.[1] ?? "";
  const path = /action="[^"]*(\/links\/[\w-]+\/access)"/.exec(item ?? "")?.[1] ?? "";
  return { path, fields: { person: field("person"), seen: field("seen") } };
}
