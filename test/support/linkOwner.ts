import { drivePassword, type TestBridge } from "./testBridge.ts";
import { type WebAnswer, type WebPerson, webPerson } from "./webPerson.ts";

/** Somebody who has signed in on the bridge's pages and hands out links. */
export interface LinkOwner {
  readonly person: WebPerson;
  /** @param fields of the form, besides a link to edit that asks for a name @returns the link's address */
  makeLink(fileId: string, fields?: Record<string, string>): Promise<string>;
  /** The page of the newest link to a file that still opens. @param note of the link, when there are several */
  linkPageOf(fileName: string, note?: string): Promise<WebAnswer>;
  revoke(fileName: string, note?: string): Promise<void>;
  change(fileName: string, fields: Record<string, string>): Promise<void>;
}

export async function linkOwner(bridge: TestBridge, email = "alice@example.com"): Promise<LinkOwner> {
  const person = webPerson(bridge.url);
  const signedIn = await person.post("/signin/password", { email, password: drivePassword, return_to: "/" });
  if (signedIn.status !== 303) throw new Error(`not signed in: ${signedIn.status}`);
  return linkOwnerAs(person);
}

/** @param person somebody who has signed in already */
export function linkOwnerAs(person: WebPerson): LinkOwner {
  const linkPageOf: LinkOwner["linkPageOf"] = async (fileName, note) => {
    const list = await person.get("/links");
    for (const [, path = ""] of list.text.matchAll(/href="[^"]*(\/links\/[\w-]+)"/g)) {
      const page = await person.get(path);
      const isIt = page.text.includes(fileName) && (note === undefined || page.text.includes(note));
      if (isIt && page.text.includes("/revoke")) return page;
    }
    throw new Error(`no link to ${fileName} in the list`);
  };
  return {
    person,
    makeLink: async (fileId, fields = {}) => {
      const wishes = { permission: "edit", ask_name: "1", file_id: fileId, ...fields };
      const made = await person.post("/share", wishes);
      const url = /value="([^"]*\/l\/[\w-]+)"/.exec((await person.follow(made)).text)?.[1];
      if (made.status !== 303 || url === undefined) throw new Error(`no link: ${made.status}`);
      return url;
    },
    linkPageOf,
    revoke: async (fileName, note) => {
      const page = await linkPageOf(fileName, note);
      const { status } = await person.post(`${new URL(page.url).pathname}/revoke`);
      if (status !== 303) throw new Error(`not revoked: ${status}`);
    },
    change: async (fileName, fields) => {
      const page = await linkPageOf(fileName);
      const wishes = { permission: "edit", ask_name: "1", expires_in: "keep", ...fields };
      const { status } = await person.post(new URL(page.url).pathname, wishes);
      if (status !== 303) throw new Error(`not changed: ${status}`);
    },
  };
}
