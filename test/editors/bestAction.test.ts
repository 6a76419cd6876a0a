import { describe, expect, it } from "vitest";
import { bestAction, type OpeningWish } from "../../src/editors/bestAction.ts";

const offer = (extension: string, ...names: string[]) =>
  names.map((name) => ({ name, extension, urlsrc: `https://editor.example/${name}/${extension}?` }));

const collabora = [...offer("docx", "edit"), ...offer("pdf", "view_comment"), ...offer("vsd", "view")];
const onlyoffice = [
  ...offer("docx", "view", "edit", "mobileView", "mobileEdit", "embedview", "editnew"),
  ...offer("doc", "view", "mobileView", "embedview", "convert"),
];

const wish = (more: Partial<OpeningWish>): OpeningWish => ({
  extension: "docx",
  permission: "edit",
  sizeBytes: 10,
  isPhone: false,
  isEmbedded: false,
  maySaveAs: true,
  ...more,
});

type Case = readonly [string, typeof collabora, Partial<OpeningWish>, string | undefined, "edit" | "view" | undefined];

const cases: readonly Case[] = [
  ["edits a document", onlyoffice, {}, "edit", "edit"],
  ["shows a document", onlyoffice, { permission: "view" }, "view", "view"],
  ["shows with the address for editing where there is no other", collabora, { permission: "view" }, "edit", "view"],
  ["shows what is asked to be edited and can't be", collabora, { extension: "vsd" }, "view", "view"],
  ["comments in a PDF", collabora, { extension: "pdf" }, "view_comment", "edit"],
  ["shows a PDF", collabora, { extension: "pdf", permission: "view" }, "view_comment", "view"],
  ["begins an empty file anew", onlyoffice, { sizeBytes: 0 }, "editnew", "edit"],
  ["edits an empty file where nothing is offered for it", collabora, { sizeBytes: 0 }, "edit", "edit"],
  ["shows an empty file, and begins nothing", onlyoffice, { sizeBytes: 0, permission: "view" }, "view", "view"],
  ["converts an old format", onlyoffice, { extension: "doc" }, "convert", "edit"],
  [
    "shows an old format to whoever may make no file",
    onlyoffice,
    { extension: "doc", maySaveAs: false },
    "view",
    "view",
  ],
  ["shows an old format", onlyoffice, { extension: "doc", permission: "view" }, "view", "view"],
  ["does not convert nothing", onlyoffice, { extension: "doc", sizeBytes: 0 }, "view", "view"],
  ["edits on a phone", onlyoffice, { isPhone: true }, "mobileEdit", "edit"],
  ["shows on a phone", onlyoffice, { isPhone: true, permission: "view" }, "mobileView", "view"],
  ["edits on a phone with what there is", collabora, { isPhone: true }, "edit", "edit"],
  ["shows embedded", onlyoffice, { isEmbedded: true, permission: "view" }, "embedview", "view"],
  [
    "shows embedded on a phone",
    onlyoffice,
    { isEmbedded: true, isPhone: true, permission: "view" },
    "embedview",
    "view",
  ],
  ["edits embedded", onlyoffice, { isEmbedded: true }, "edit", "edit"],
  ["takes an address for phones before none", offer("docx", "mobileEdit"), {}, "mobileEdit", "edit"],
  ["takes an address for phones to view", offer("docx", "mobileEdit"), { permission: "view" }, "mobileEdit", "view"],
  ["knows nothing of a format the editor does not list", onlyoffice, { extension: "txt" }, undefined, undefined],
  ["opens no form", offer("docx", "formsubmit", "formedit"), {}, undefined, undefined],
];

describe("The best action of discovery", () => {
  it.each(cases)("%s", (_sentence, actions, more, name, permission) => {
    const chosen = bestAction(actions, wish(more));
    expect(chosen?.action.name).toBe(name);
    expect(chosen?.permission).toBe(permission);
  });

  it("never gives more than was wished for, whatever an editor offers", () => {
    const names = ["view", "edit", "mobileView", "mobileEdit", "embedview", "editnew", "convert", "view_comment"];
    for (let mask = 0; mask < 1 << names.length; mask++) {
      const actions = offer("docx", ...names.filter((_name, index) => (mask & (1 << index)) !== 0));
      for (const isPhone of [true, false]) {
        for (const sizeBytes of [0, 10]) {
          const viewed = bestAction(actions, wish({ permission: "view", isPhone, sizeBytes }));
          expect(viewed?.permission ?? "view").toBe("view");
          expect(["editnew", "convert"]).not.toContain(viewed?.action.name);
          const guest = bestAction(actions, wish({ maySaveAs: false, isPhone, sizeBytes }));
          expect(guest?.action.name).not.toBe("convert");
        }
      }
    }
  });
});
