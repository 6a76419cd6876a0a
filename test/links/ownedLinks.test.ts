import { describe, expect, it } from "vitest";
import type { EditLink } from "../../src/links/links.ts";
import { type LinkFilter, linkState, sharedDocuments } from "../../src/links/ownedLinks.ts";
import { sampleLink } from "../support/sampleLink.ts";

const link = (id: string, more: Partial<EditLink> = {}): EditLink => ({ ...sampleLink, id, createdAtMs: 0, ...more });
const nowMs = 1_000;

describe("the state of a link", () => {
  it.each<[string, Partial<EditLink>, readonly string[], string]>([
    ["works", {}, [], "active"],
    ["works, since others' sign-ins don't matter", {}, ["bob"], "active"],
    ["needs its owner", {}, ["alice"], "signInNeeded"],
    ["has expired at this moment", { expiresAtMs: nowMs }, [], "expired"],
    ["has expired, which no sign-in changes", { expiresAtMs: nowMs - 1 }, ["alice"], "expired"],
    ["was revoked before it expired", { revokedAtMs: 1, expiresAtMs: 2 }, ["alice"], "revoked"],
  ])("says that it %s", (_what, more, signedOut, state) => {
    expect(linkState(link("a", more), nowMs, new Set(signedOut))).toBe(state);
  });
});

describe("an owner's list", () => {
  const links = [
    link("d", { fileId: "f2", fileName: "Café menu.docx" }),
    link("c", { note: "For the Board" }),
    link("b", { fileId: "f3", fileName: "Plan.xlsx", maker: "portal:intranet" }),
    link("a", { revokedAtMs: 1 }),
  ];
  const found = (filter: Partial<LinkFilter>) =>
    sharedDocuments(links, { text: "", state: "all", ...filter }, (one) => linkState(one, nowMs, new Set())).map(
      ({ fileId, links: of }) => `${fileId}: ${of.map(({ id }) => id).join(" ")}`,
    );

  it.each<[string, Partial<LinkFilter>, readonly string[]]>([
    ["all by document, where the newest link is first", {}, ["f2: d", "f1: c a", "f3: b"]],
    ["a state", { state: "revoked" }, ["f1: a"]],
    ["a name in other capitals", { text: "  REPORT " }, ["f1: c a"]],
    ["a name with accents composed otherwise", { text: "cafe\u0301" }, ["f2: d"]],
    ["a note", { text: "board" }, ["f1: c"]],
    ["a portal", { text: "intranet" }, ["f3: b"]],
    ["a name and a state", { text: "report", state: "active" }, ["f1: c"]],
    ["nothing", { text: "x".repeat(200) }, []],
  ])("is filtered by %s", (_what, filter, expected) => {
    expect(found(filter)).toEqual(expected);
  });
});
