import { describe, expect, it } from "vitest";
import { suiteOf, withSuiteParameters } from "../../src/editors/suites.ts";

const wopiSrc = "WOPISrc=https%3A%2F%2Fbridge.example%2Fwopi%2Ffiles%2Fa1";

/** Action URLs as the suites' discovery documents give them, by the paths of their `urlsrc`. */
const addresses: Readonly<Record<string, readonly string[]>> = {
  collabora: [
    `https://office.example/browser/55317ef/cool.html?${wopiSrc}`,
    `http://127.0.0.1:9980/browser/dist/cool.html?lang=de&${wopiSrc}`,
    `https://portal.example/collabora/browser/0b27e85/cool.html?closebutton=1&${wopiSrc}`,
    // Before 2022, and LibreOffice Online.
    `https://office.example/loleaflet/ba528a9/loleaflet.html?${wopiSrc}`,
    `https://office.example/loleaflet/dist/loleaflet.html?${wopiSrc}`,
  ],
  onlyoffice: [
    `https://docs.example/hosting/wopi/word/edit?rs=en-US&ui=en-US&wopisrc=x&`,
    `https://docs.example/hosting/wopi/word/view?${wopiSrc}`,
    `https://docs.example/hosting/wopi/cell/edit?embed=true&thm=1&${wopiSrc}`,
    `https://docs.example/hosting/wopi/slide/edit?${wopiSrc}`,
    `https://docs.example/hosting/wopi/convert-and-edit/xls/xlsx?${wopiSrc}`,
    // Behind a proxy, below a path.
    `https://portal.example/onlyoffice/hosting/wopi/word/edit?${wopiSrc}`,
  ],
  microsoft365: [
    `https://word-edit.officeapps.live.com/we/wordeditorframe.aspx?ui=en-US&rs=en-US&${wopiSrc}`,
    `https://FFC-word-view.officeapps.live.com/wv/wordviewerframe.aspx?${wopiSrc}`,
    `https://excel.officeapps.live.com/x/_layouts/xlviewerinternal.aspx?edit=1&ui=en-US&${wopiSrc}`,
    `https://powerpoint.officeapps.live.com/p/PowerPointFrame.aspx?PowerPointView=EditView&${wopiSrc}`,
    `https://onenote.officeapps.live.com/o/onenoteframe.aspx?edit=1&${wopiSrc}`,
    `https://word-view.officeapps.live.com/wv/mWord.aspx?${wopiSrc}`,
    `https://excel.officeapps.live.com/x/_layouts/mobile/mXL.aspx?${wopiSrc}`,
    // Microsoft's own test application for hosts, and Office Online Server on somebody's own machines.
    `https://onenote.officeapps.live.com/hosting/WopiTestFrame.aspx?${wopiSrc}`,
    `https://oos.example/x/_layouts/xlviewerinternal.aspx?${wopiSrc}`,
    `http://oos.example/we/WordEditorFrame.aspx?${wopiSrc}`,
  ],
  // Office on a phone or desktop, which comes in by the bootstrapper.
  app: [`https://bridge.example/wopibootstrapper`, `https://example.com/bridge/wopibootstrapper?${wopiSrc}`],
  other: [
    `http://127.0.0.1:9980/editor/edit?${wopiSrc}`,
    `https://office.example/?${wopiSrc}`,
    // The path decides: what stands in the query or in the host's name is anybody's.
    `https://office.example/edit?next=/hosting/wopi/word/edit&${wopiSrc}`,
    `https://cool.html.example/edit?${wopiSrc}`,
    `https://office.example/edit?frame=/we/wordeditorframe.aspx`,
    `https://office.example/hosting/wopi?${wopiSrc}`,
    `https://office.example/browser/cool.html.txt?${wopiSrc}`,
  ],
};

describe("the suite behind an action URL", () => {
  it.each(Object.entries(addresses).flatMap(([name, urls]) => urls.map((url) => [name, url] as const)))(
    "%s: %s",
    (name, url) => {
      expect(suiteOf(url).name).toBe(name);
    },
  );

  it("gives the theme to Collabora, whose discovery has no place for it", () => {
    const shown = (url: string, theme?: "light" | "dark") =>
      new URL(withSuiteParameters(url, theme)).searchParams.get("ui_defaults");
    for (const url of addresses["collabora"] ?? []) {
      expect([shown(url, "dark"), shown(url, "light"), shown(url)]).toEqual(["UITheme=dark", "UITheme=light", null]);
      expect(shown(`${url}&ui_defaults=UIMode=compact`, "dark")).toBe("UIMode=compact");
    }
    for (const suite of ["onlyoffice", "microsoft365", "other"])
      for (const url of addresses[suite] ?? []) expect(shown(url, "dark")).toBeNull();
  });

  it("may take a missing time for Overwrite only where the suite always sends one", () => {
    const overwrites = (name: string) => suiteOf(addresses[name]?.[0] ?? "").overwritesByOmission;
    expect(["collabora", "onlyoffice", "microsoft365"].map(overwrites)).toEqual([true, false, false]);
  });

  it("shows a button to close where the host's page can hear of it, unless the address says otherwise", () => {
    const shown = (url: string) => new URL(withSuiteParameters(url)).searchParams.get("closebutton");
    const [collabora = ""] = addresses["collabora"] ?? [];
    expect(shown(collabora)).toBe("1");
    expect(shown(`${collabora}&closebutton=0`)).toBe("0");
    expect(shown(addresses["microsoft365"]?.[0] ?? "")).toBeNull();
  });

  it("adds to CheckFileInfo nothing that another suite would take for something else", () => {
    for (const [url = ""] of Object.values(addresses)) {
      for (const value of Object.values(suiteOf(url).extras)) expect(["boolean", "string"]).toContain(typeof value);
    }
  });
});
