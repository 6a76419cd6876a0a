import { describe, expect, it } from "vitest";
import { type Opening, openingAddress, unframeable } from "../../src/editors/openingAddress.ts";
import { failureOf } from "../../src/model/failure.ts";

const wopiSrc = "https://bridge.example/wopi/files/f1";
const base = "https://editor.example/hosting/wopi/word";
const actions = [
  { name: "view", extension: "docx", urlsrc: `${base}/view?<ui=UI_LLCC&><wopisrc=WOPI_SOURCE&>` },
  { name: "edit", extension: "docx", urlsrc: `${base}/edit?<ui=UI_LLCC&><wopisrc=WOPI_SOURCE&>` },
  { name: "view", extension: "doc", urlsrc: `${base}/view?` },
  { name: "convert", extension: "doc", urlsrc: "https://editor.example/hosting/wopi/convert-and-edit/doc/docx?" },
  { name: "edit", extension: "odt", urlsrc: "https://editor.example/browser/4f2a9c/cool.html?" },
  { name: "edit", extension: "", urlsrc: "https://editor.example/anything?" },
];
const opening = (more: Partial<Opening>): Opening => ({
  fileName: "Report.docx",
  permission: "edit",
  sizeBytes: 10,
  isPhone: false,
  isEmbedded: false,
  maySaveAs: true,
  wopiSrc,
  language: "de-DE",
  theme: undefined,
  ...more,
});

describe("the address of an opening", () => {
  it("is complete, with nothing left in angle brackets", () => {
    const { actionUrl } = openingAddress(actions, opening({})) ?? { actionUrl: "" };
    expect(actionUrl).toBe(`${base}/edit?ui=de-DE&wopisrc=${encodeURIComponent(wopiSrc)}`);
  });

  it("has what its suite needs, such as Collabora's button to close", () => {
    const found = openingAddress(actions, opening({ fileName: "Letter.ODT", permission: "view" }));
    expect(found?.actionUrl).toContain("/browser/4f2a9c/cool.html?");
    expect(found?.actionUrl).toContain("closebutton=1");
    expect(found?.permission).toBe("view");
  });

  it("says when the editor makes another file of it", () => {
    expect(openingAddress(actions, opening({ fileName: "old.doc" }))).toMatchObject({ converts: true });
    expect(openingAddress(actions, opening({ fileName: "old.doc", maySaveAs: false }))).toMatchObject({
      converts: false,
      permission: "view",
    });
  });

  it.each(["Report.xyz", "no extension", ".docx", "docx"])(
    "is not found for what discovery says nothing of: %s",
    (fileName) => {
      expect(openingAddress(actions, opening({ fileName }))).toBeUndefined();
    },
  );

  it("is refused where browsers would show nothing, with what to do", () => {
    const ipv6 = [{ name: "edit", extension: "docx", urlsrc: "http://[::1]:9980/browser/1/cool.html?<ui=UI_LLCC&>" }];
    const work = () => openingAddress(ipv6, opening({}));
    try {
      work();
      expect.unreachable();
    } catch (error) {
      expect(failureOf(error, "noEditor")?.sentence).toMatch(/IPv6 address \[::1\]:9980, which .+ host name/);
    }
  });

  it.each([
    ["http://[2001:db8::1]/browser/1/cool.html?", true],
    ["https://[::ffff:127.0.0.1]:9980/x?<ui=UI_LLCC&>", true],
    ["http://127.0.0.1:9980/x?", false],
    ["https://localhost/x?", false],
    ["https://office.example/x?y=[::1]", false],
  ])("at %s can't be shown: %s", (address, isRefused) => {
    expect(unframeable(address) !== undefined).toBe(isRefused);
  });
});
