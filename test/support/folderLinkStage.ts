import { expect } from "vitest";
import type { TestBridge } from "./testBridge.ts";
import { editorForm, type WebAnswer, type WebPerson, webPerson } from "./webPerson.ts";
import { wopiOfForm } from "./wopiClient.ts";

export interface SharedFolder {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  /** The folder that it lies in, of which no visitor must learn. */
  readonly above: string;
  idOf(path: string): Promise<string>;
}

/** A folder to share, and people who come to it. */
export function folderLinkStage(bridge: TestBridge) {
  let folders = 0;
  /** `Private N/Team & 100%25 N` with a document, one below, a photo, and secrets beside and above. */
  const newFolder = async (): Promise<SharedFolder> => {
    const above = `Private ${++folders}`;
    const name = `Team & 100%25 ${folders}`;
    const path = `${above}/${name}`;
    for (const [at, text] of Object.entries({
      [`${path}/Plan.docx`]: "the plan",
      [`${path}/Below/Deep.docx`]: "deep",
      [`${path}/photo.jpg`]: "no document",
      [`${above}/Secret.docx`]: "a secret",
      [`${path} 2/Alike.docx`]: "another folder's",
    })) {
      expect(await bridge.alice.put(at, text)).toBe(0);
    }
    const { id } = await bridge.alice.info(path);
    return { above, name, path, id, idOf: async (at) => (await bridge.alice.info(at)).id };
  };

  /** Somebody who has come through the door. */
  const comeIn = async (url: string, fields: Record<string, string> = { name: "Ben" }) => {
    const person = webPerson(bridge.url);
    const page = await person.follow(await person.post(url, fields));
    return { person, page };
  };

  const openAt = async (person: WebPerson, address: string) => {
    const page = await person.follow(await person.get(address));
    return { page, editor: wopiOfForm(editorForm(page)) };
  };

  const move = (path: string, into: string) =>
    bridge.alice.call("POST", "/file/move", {
      uris: [bridge.alice.uriOf(path)],
      dst: bridge.alice.uriOf(into),
      copy: false,
    });

  return { newFolder, comeIn, openAt, move };
}

/** The address behind a name in a list. */
export function linkTo(page: WebAnswer, name: string): string {
  const row = page.text.split("<li>").find((part) => part.includes(name.replaceAll("&", "&amp;")));
  const href = /href="([^"]*\/l\/[^"]*)"/.exec(row ?? "")?.[1];
  if (href === undefined) throw new Error(`${name} is not in the list`);
  return href.replaceAll("&amp;", "&");
}

/** As a page writes a name. */
export const written = (name: string): string => name.replaceAll("&", "&amp;");
