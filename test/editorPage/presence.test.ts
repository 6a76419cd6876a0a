import { describe, expect, it } from "vitest";
import type { OpenSession } from "../../src/documents/activity.ts";
import type { AccessGrant } from "../../src/documents/grants.ts";
import { isLineHidden, placeOf, wishIn } from "../../src/editorPage/browser/linePlace.ts";
import { personInWords, presence } from "../../src/editorPage/browser/peopleInWords.ts";
import { wayBackFrom } from "../../src/editorPage/browser/wayBack.ts";
import { copyToOpen } from "../../src/editorPage/openCopy.ts";
import { peopleIn } from "../../src/editorPage/presence.ts";
import { wordsIn } from "../../src/words/words.ts";

const startMs = Date.parse("2026-11-21T08:15:00Z");
const services = {
  editorIds: ({ person }: { person: { id: string } }) => ({ userId: `e-${person.id}`, ownerId: "o" }),
};
const grant = (more: Partial<AccessGrant> = {}): AccessGrant => ({
  id: "g1",
  document: { account: "alice", fileId: "f1" },
  fileName: "Report.docx",
  permission: "edit",
  person: { id: "ann", name: "Ann" },
  ownerId: "owner",
  restrictions: {},
  saveAs: "new",
  mayRename: true,
  actionUrl: "https://office.example/",
  language: "en-US",
  issuedTo: "intranet",
  issuedAtMs: startMs,
  expiresAtMs: startMs + 1,
  renewableUntilMs: startMs + 1,
  ...more,
});
const session = (grantId: string, id: string, more: Partial<OpenSession> = {}): OpenSession => ({
  grantId,
  person: { id, name: id.toUpperCase() },
  permission: "view",
  openedAtMs: startMs,
  seenAtMs: startMs,
  called: {},
  ...more,
});
const guest = { linkId: "l1", person: { id: "guest", name: "Guest", isNameless: true as const } };

describe("who has a document open", () => {
  it("is everybody once, oneself first, editing if in any tab, since the first", () => {
    const sessions = [
      session("g3", "ben", { openedAtMs: startMs - 5 }),
      session("g1", "ann"),
      session("g2", "ann", { permission: "edit", openedAtMs: startMs - 9 }),
    ];
    expect(peopleIn(services, grant(), { sessions })).toEqual([
      { id: "e-ann", name: "ANN", is_me: true, permission: "edit", since: startMs - 9 },
      { id: "e-ben", name: "BEN", is_me: false, permission: "view", since: startMs - 5 },
    ]);
  });

  it("is a number for a visitor who gave no name, and has no ids for any visitor", () => {
    const sessions = [session("g1", "guest"), session("g2", "ben")];
    const seen = peopleIn(services, grant(guest), { sessions });
    expect(seen.map(({ id, name, is_me }) => ({ id, name, is_me }))).toEqual([
      { id: null, name: "GUEST", is_me: true },
      { id: null, name: null, is_me: false },
    ]);
    const named = grant({ ...guest, person: { id: "guest", name: "Zoe" } });
    expect(peopleIn(services, named, { sessions }).map(({ id, name }) => [id, name])).toContainEqual([null, "BEN"]);
  });

  it("shows the owner, and nobody else, who came through a link", () => {
    const sessions = [session("g1", "owner"), session("g2", "ben", { isVisitor: true })];
    const byLink = (one: AccessGrant) =>
      peopleIn(services, one, { sessions }).filter(({ by_link }) => by_link === true);
    expect(byLink(grant({ person: { id: "owner", name: "O" } }))).toHaveLength(1);
    expect(byLink(grant())).toHaveLength(0);
  });

  it("is told to portals, and said in the page's own words", () => {
    const ben = { id: null, name: null, is_me: false, permission: "view", since: startMs } as const;
    const told = { id: null, name: null, own: false, permission: "view", since: "2026-11-21T08:15:00.000Z" };
    expect(presence([ben])).toEqual([told]);
    expect(personInWords(ben, wordsIn.en.editorPage, () => "08:15")).toBe("Somebody: viewing since 08:15");
    const me = { ...ben, name: "Ann", is_me: true, permission: "edit" } as const;
    expect(personInWords(me, wordsIn.en.editorPage, () => "08:15")).toBe("Ann (you): editing since 08:15");
  });
});

describe("the line of a portal that shows the state itself", () => {
  const quiet = { tone: "quiet", text: "Saved" } as const;
  const failed = { tone: "trouble", text: "Not saved", toldAs: "saveFailed" } as const;
  const offline = { tone: "trouble", text: "No connection" } as const;
  const listens = new Set(["saveFailed"]);

  it.each([
    ["is there unless the portal wants none", "bottom", failed, true, false],
    ["is gone while all is well", "none", quiet, false, true],
    ["stays away from trouble that the portal listens to", "none", failed, true, true],
    ["comes with trouble that nobody listens to", "none", failed, false, false],
    ["comes with trouble that no event tells", "none", offline, true, false],
  ] as const)("%s", (_what, place, line, isHeard, isHidden) => {
    expect(isLineHidden(place, line, isHeard ? listens : new Set())).toBe(isHidden);
  });

  it("is where the portal said, of the places that there are", () => {
    expect(wishIn("#line=bottom")).toBe("bottom");
    expect([wishIn("#line=left"), wishIn("#/l/x"), wishIn("")]).toEqual(["top", "top", "top"]);
    expect([placeOf("none"), placeOf({}), placeOf(undefined)]).toEqual(["none", undefined, undefined]);
  });
});

describe("the way back from a document", () => {
  const homeUrl = "https://bridge.example/";
  const embedOrigins = ["https://portal.example"];
  const hashTo = (address: string) => `#close=${encodeURIComponent(address)}`;

  it.each([
    ["is the owner's documents", { homeUrl, hash: "" }, homeUrl],
    ["is nowhere for a guest", { homeUrl: null, hash: "" }, undefined],
    [
      "is where the portal wants",
      { homeUrl, hash: hashTo("https://portal.example/x?y=1") },
      "https://portal.example/x?y=1",
    ],
    ["is no address of a stranger", { homeUrl: null, hash: hashTo("https://evil.example/") }, undefined],
    ["is no script", { homeUrl: null, hash: hashTo("javascript:alert(1)") }, undefined],
    ["is nothing that can't be read", { homeUrl: null, hash: "#close=%E0%A4%A" }, undefined],
  ])("%s", (_what, from, href) => {
    expect(wayBackFrom({ ...from, embedOrigins })?.href).toBe(href);
  });
});

describe("the copy that a page speaks of", () => {
  const failed = (id: string) => ({
    atMs: 1,
    person: { id, name: id },
    why: "lockMismatch",
    keptIn: "copy" as const,
    copyId: "c1",
  });
  const owners = grant({ person: { id: "owner", name: "O" }, issuedTo: "person:owner" });

  it("opens for its owner, whoever's changes it has, also after the end", () => {
    expect(copyToOpen(owners, undefined, failed("ben"), undefined)).toEqual({ copyId: "c1", inSession: false });
    const lastCopy = { name: "x", unheard: [], written: { copyId: "c2", version: "v", sha256: "s", receivedAtMs: 1 } };
    expect(copyToOpen(owners, "expired", undefined, lastCopy)).toEqual({ copyId: "c2", inSession: false });
  });

  it("opens for somebody else only with their own changes, and where they may save new files", () => {
    expect(copyToOpen(grant(), undefined, failed("ann"), undefined)).toEqual({ copyId: "c1", inSession: true });
    expect(copyToOpen(grant(), undefined, failed("ben"), undefined)).toBeUndefined();
    expect(copyToOpen(grant({ saveAs: "none" }), undefined, failed("ann"), undefined)).toBeUndefined();
    expect(copyToOpen(grant({ permission: "view" }), undefined, failed("ann"), undefined)).toBeUndefined();
    expect(copyToOpen(grant(), "revoked", failed("ann"), undefined)).toBeUndefined();
  });

  it("opens for nobody when it is not known which file it is, as in a row of an older version", () => {
    const { copyId: _copyId, ...older } = failed("owner");
    expect(copyToOpen(owners, undefined, older, undefined)).toBeUndefined();
  });
});
