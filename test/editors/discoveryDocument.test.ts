import { describe, expect, it } from "vitest";
import { parseDiscovery } from "../../src/editors/discovery.ts";
import { discoveryXml } from "./editorServer.ts";

const fetchedAtMs = 1_000;
const zone = (name: string, origin: string) =>
  `<net-zone name="${name}"><app name="Word"><action name="edit" ext="docx" urlsrc="${origin}/we?"/></app></net-zone>`;
const document = (...children: readonly string[]) => `<wopi-discovery>${children.join("")}</wopi-discovery>`;

async function origins(xml: string): Promise<string[]> {
  return (await parseDiscovery(xml, fetchedAtMs)).actions.map(({ urlsrc }) => new URL(urlsrc).origin);
}

async function refusal(xml: string): Promise<string> {
  return parseDiscovery(xml, fetchedAtMs).then(
    () => "accepted",
    (error: Error) => error.message,
  );
}

describe("a discovery document", () => {
  it("of Collabora's tells actions and keys", async () => {
    const urlsrc = "https://office.example/browser/e808afa229/cool.html?";
    expect(await parseDiscovery(discoveryXml({ keys: ["bmV3", "b2xk"] }), fetchedAtMs)).toEqual({
      actions: [
        { name: "edit", extension: "docx", urlsrc },
        { name: "view", extension: "docx", urlsrc },
        { name: "edit", extension: "", urlsrc },
        { name: "getinfo", extension: "", urlsrc: "https://office.example/hosting/capabilities" },
      ],
      proofKey: { modulus: "bmV3", exponent: "AQAB" },
      oldProofKey: { modulus: "b2xk", exponent: "AQAB" },
      fetchedAtMs,
    });
  });

  it("of Microsoft's keeps the placeholders of its addresses, decoded from XML", async () => {
    const urlsrc = "https://word.example/we/frame.aspx?<ui=UI_LLCC&><wopisrc=WOPI_SOURCE&>";
    const escaped = urlsrc.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    const xml = document(
      `<net-zone name="external-https"><app name="Word"><action name="edit" ext="docx" requires="locks,update" urlsrc="${escaped}"/></app></net-zone>`,
    );
    expect((await parseDiscovery(xml, fetchedAtMs)).actions).toEqual([{ name: "edit", extension: "docx", urlsrc }]);
  });

  it("offers no proof without keys, with empty ones or with half of one", async () => {
    for (const key of ["", "<proof-key/>", '<proof-key modulus="" exponent=""/>', '<proof-key modulus="bmV3"/>']) {
      const discovery = await parseDiscovery(document(zone("external-http", "https://a.example"), key), fetchedAtMs);
      expect(discovery.proofKey).toBeUndefined();
      expect(discovery.oldProofKey).toBeUndefined();
    }
  });

  it("is read from the zone for browsers: https before http, either before internal ones", async () => {
    const internal = zone("internal-https", "https://inside.example");
    const plain = zone("external-http", "https://plain.example");
    const secure = zone("external-https", "https://secure.example");
    expect(await origins(document(internal, plain, secure))).toEqual(["https://secure.example"]);
    expect(await origins(document(internal, plain))).toEqual(["https://plain.example"]);
    expect(await origins(document(internal))).toEqual(["https://inside.example"]);
  });

  it("may hold elements without attributes and actions without an address", async () => {
    const odd =
      "<net-zone name='external-http'><app/><app name='x'><action/><action urlsrc='nowhere'/></app></net-zone>";
    expect((await parseDiscovery(document("<net-zone/>", odd), fetchedAtMs)).actions).toEqual([]);
    expect((await parseDiscovery(document("<net-zone/>"), fetchedAtMs)).actions).toEqual([]);
  });
});

describe("what is no discovery document", () => {
  const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>${document("&b;")}`;
  it.each([
    ["with a document type", bomb],
    ["with a document type in lower case", `<!doctype x>${document(zone("external-http", "https://a.example"))}`],
    ["with an entity behind a comment", `<!-- -->\n<!ENTITY a "b">${document()}`],
  ])("is refused %s, before anything is expanded", async (_name, xml) => {
    expect(await refusal(xml)).toBe("a document type is not accepted");
  });

  it.each([
    ["an empty answer", ""],
    ["a text", "502 Bad Gateway"],
    ["half a document", discoveryXml().slice(0, 300)],
    ["another document", "<feed><entry/></feed>"],
    ["a sign-in page", "<html><body><p>Sign in<br/></p></body></html>"],
    ["an empty root", "<wopi-discovery/>"],
    ["JSON", '{"actions": []}'],
  ])("is refused in a few plain words: %s", async (_name, xml) => {
    expect(await refusal(xml)).toMatch(/^it is not (XML|a discovery document)$/);
  });
});
