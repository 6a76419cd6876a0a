import { describe, expect, it } from "vitest";
import {
  isKept,
  isNotUp,
  type PageState,
  retryOf,
  statusLine,
  timeSpelling,
  whyNotUp,
} from "../../src/editorPage/browser/statusLine.ts";
import type { HostPageStatus } from "../../src/editorPage/pageMessages.ts";
import { wordsIn } from "../../src/words/words.ts";

const minuteMs = 60_000;
const nowMs = Date.UTC(2026, 10, 21, 9, 30);
const atNineTwelve = Date.UTC(2026, 10, 21, 9, 12);

const quietStatus: HostPageStatus = {
  now: nowMs,
  ended: null,
  permission: "edit",
  editor_called: { check_file_info: true, get_file: true },
  editor_stopped: false,
  locked_by: null,
  saving_since: null,
  last_save: null,
  not_saved: null,
  last_copy: null,
};
const byMe = { at: atNineTwelve, by: "Me", is_mine: true };
const notSaved = { ...byMe, why: "driveUnreachable", kept_in: "spool", copy_name: null } as const;

const quiet: PageState = {
  phase: "loaded",
  waitedMs: 1000,
  isEditorHeard: true,
  editorOrigin: "https://office.example",
  bridgeUrl: "https://bridge.example",
  fileName: "Plan.docx",
  permission: "edit",
  isOwner: true,
  status: quietStatus,
  isModified: false,
  isSaving: false,
  isOffline: false,
  ended: undefined,
  endedAtMs: nowMs - minuteMs,
  wasModified: false,
  waitsForCopy: false,
  notSavedSinceMs: undefined,
  nowMs,
  tokenEndsAtMs: nowMs + 600 * minuteMs,
  canRenew: true,
  waitsForSave: false,
};

const spell = timeSpelling("en-GB", () => nowMs, "UTC");

function line(state: Partial<PageState>, status: Partial<HostPageStatus> = {}) {
  return statusLine({ ...quiet, status: { ...quietStatus, ...status }, ...state }, wordsIn.en.editorPage, spell);
}

describe("the line above the editor", () => {
  it("says nothing of saves before there is one", () => {
    expect(line({})).toEqual({ tone: "quiet", text: "No changes yet" });
    expect(line({ permission: "view" }, { permission: "view" }).text).toBe("View only");
  });

  it("says when the last save was, and by whom when it was somebody else", () => {
    expect(line({}, { last_save: byMe }).text).toBe("Saved 09:12");
    expect(line({}, { last_save: { ...byMe, by: "Anna", is_mine: false } }).text).toBe("Saved 09:12 by Anna");
  });

  it("names the day of a save that was not today's", () => {
    expect(line({}, { last_save: { ...byMe, at: atNineTwelve - 24 * 60 * minuteMs } }).text).toBe(
      "Saved 20/11/2026 09:12",
    );
  });

  it("spells the time in the person's own zone", () => {
    expect(timeSpelling("en-GB", () => nowMs, "Asia/Shanghai")(atNineTwelve)).toBe("17:12");
  });

  it("says that a save is on its way, whoever has asked for it", () => {
    expect(line({ isSaving: true }).text).toBe("Saving …");
    expect(line({ isModified: true }, { saving_since: nowMs - 500 }).text).toBe("Saving …");
  });

  it("says that there are changes, and when the last save was", () => {
    expect(line({ isModified: true }).text).toBe("Unsaved changes");
    expect(line({ isModified: true }, { last_save: byMe }).text).toBe("Unsaved changes · saved 09:12");
  });

  it("says that a save was kept, since when, why, and that it is tried again", () => {
    expect(line({ isModified: true }, { not_saved: notSaved })).toEqual({
      tone: "trouble",
      text: "Not saved since 09:12, but kept safely: the drive is not responding. Saving will be retried automatically.",
    });
  });

  it("counts from the first failure while one try after the other fails", () => {
    const later = { ...notSaved, at: atNineTwelve + 5 * minuteMs };
    expect(line({ notSavedSinceMs: atNineTwelve }, { not_saved: later }).text).toContain("since 09:12");
  });

  it("names whose save was kept when it was somebody else's", () => {
    expect(line({}, { not_saved: { ...notSaved, by: "Anna", is_mine: false } }).text).toMatch(/^Changes by Anna not/);
  });

  it("tells what the editor still holds when nothing was kept", () => {
    const refused = { ...notSaved, why: "lockedElsewhere", kept_in: null } as const;
    expect(line({}, { not_saved: refused }).text).toBe(
      "Not saved since 09:12: another program has locked the document. The editor still has your changes.",
    );
  });

  it("names the copy that holds what could not go into the document", () => {
    const copy = { ...notSaved, why: "changedInStorage", kept_in: "copy", copy_name: "Plan (conflict).docx" } as const;
    expect(line({}, { not_saved: copy })).toEqual({
      tone: "trouble",
      text: "Your changes from 09:12 are in the copy “Plan (conflict).docx” beside the document, because the document was changed in the drive.",
    });
    const saved = { ...byMe, at: atNineTwelve + 3 * minuteMs };
    expect(line({}, { not_saved: copy, last_save: saved })).toEqual({
      tone: "quiet",
      text: "Saved 09:15 · changes from 09:12 are in the copy “Plan (conflict).docx”",
    });
  });

  it("has a sentence for every reason, also for one that it does not know", () => {
    const unknown = { ...notSaved, why: "constructor" } as unknown as HostPageStatus["not_saved"];
    expect(line({}, { not_saved: unknown }).text).toContain("an unexpected error occurred");
  });

  it("leaves a name that looks like a placeholder as it is", () => {
    expect(line({}, { last_save: { ...byMe, by: "{time} $&", is_mine: false } }).text).toBe("Saved 09:12 by {time} $&");
  });

  describe("while the document does not come", () => {
    const waiting = { phase: "loading", waitedMs: 16_000 } as const;
    const called = (check_file_info: boolean, get_file: boolean) => ({ editor_called: { check_file_info, get_file } });

    it("waits fifteen seconds before it says more", () => {
      expect(line({ phase: "loading", waitedMs: 14_000 }, called(false, false)).text).toBe("Loading Plan.docx …");
    });

    it("says that the editor's page does not answer", () => {
      expect(line({ ...waiting, isEditorHeard: false }, called(false, false)).text).toContain("https://office.example");
    });

    it("says that the editor's server has not called the bridge", () => {
      expect(line(waiting, called(false, false)).text).toContain(
        "has not contacted the bridge at https://bridge.example",
      );
    });

    it("says that the editor's server has not fetched the document", () => {
      expect(line(waiting, called(true, false)).text).toContain("has not loaded it yet");
    });

    it("says that the editor has it and is slow", () => {
      expect(line(waiting, called(true, true)).text).toContain("slow to show it");
    });

    it("says what the editor says when it could not open it", () => {
      expect(line({ phase: "failed" })).toEqual({ tone: "trouble", text: "The editor could not open the document." });
    });
  });

  describe("once the session has ended", () => {
    it.each([
      ["revoked", "This session was ended."],
      ["expired", "This session has expired."],
      ["linkRevoked", "The link to this document was revoked."],
      ["linkExpired", "The link to this document has expired."],
      ["signedOut", "You signed out everywhere."],
      ["lostEditing", "You can now only view this document."],
      ["constructor", "This session has expired."],
    ])("says why: %s", (reason, sentence) => {
      // A newer bridge may say more than this page knows.
      const ended = reason as PageState["ended"];
      expect(line({ ended })).toEqual({ tone: "trouble", text: `${sentence} There are no unsaved changes.` });
      expect(line({ ended, permission: "view" }).text).toBe(sentence);
    });

    const ended = { ended: "linkRevoked", wasModified: true } as const;
    const revoked = "The link to this document was revoked.";
    const mine = { ...notSaved, at: nowMs - 1000 };

    it("says that the last changes are being kept, and when nothing has come that they may be lost", () => {
      expect(line({ ...ended, waitsForCopy: true }).text).toBe(`${revoked} Keeping your last changes …`);
      expect(line(ended).text).toBe(`${revoked} Your last changes did not arrive and may be lost.`);
    });

    it("names the copy that the last changes went into, whether the page knew of them or not", () => {
      for (const wasModified of [true, false]) {
        expect(line({ ...ended, wasModified }, { last_copy: "Plan (Me).docx" }).text).toBe(
          `${revoked} Your last changes are in the copy “Plan (Me).docx” beside the document.`,
        );
      }
      const copied = { ...mine, kept_in: "copy", copy_name: "of other sessions.docx" } as const;
      expect(line(ended, { not_saved: copied }).text).toContain("“of other sessions.docx”");
    });

    it("says that they are kept when the drive is away, and that they were saved when they were", () => {
      expect(line(ended, { not_saved: mine }).text).toContain("kept safely and will be added as a copy");
      expect(line(ended, { last_save: { ...byMe, at: nowMs } }).text).toBe(`${revoked} There are no unsaved changes.`);
    });

    it("takes nothing for the last changes that was before the end, or is another's", () => {
      const before = { ...mine, at: nowMs - 120 * minuteMs, kept_in: "copy", copy_name: "old.docx" } as const;
      for (const not_saved of [before, { ...mine, is_mine: false }, { ...mine, kept_in: null }]) {
        expect(line(ended, { not_saved }).text).toContain("may be lost");
      }
      for (const last_save of [byMe, { ...byMe, at: nowMs, is_mine: false }]) {
        expect(line(ended, { last_save }).text).toContain("may be lost");
      }
    });
  });

  it("says minutes before that a session can't be made longer", () => {
    const ending = { canRenew: false, tokenEndsAtMs: nowMs + 4 * minuteMs };
    expect(line(ending).text).toBe("Your access ends at 09:34.");
    expect(line({ ...ending, isModified: true }).text).toBe("Your access ends at 09:34. Save your changes now.");
    expect(line({ ...ending, tokenEndsAtMs: nowMs + 6 * minuteMs }).text).toBe("No changes yet");
  });

  it("asks for a save when the editor must reload to take the fresh token", () => {
    expect(line({ waitsForSave: true, isModified: true }).text).toMatch(/^Save your changes before 19:30/);
  });

  it("says that there is no network, and where unsaved work is", () => {
    expect(line({ isOffline: true }).text).toBe("No connection. Trying again.");
    expect(line({ isOffline: true, isModified: true }).text).toContain("the editor still has them");
  });

  it("says that the document is closed, whatever else there was to say", () => {
    expect(line({ phase: "closed", ended: "expired", isOffline: true }).text).toBe("The document is closed.");
  });

  it("speaks 简体中文 as well", () => {
    const zh = statusLine(
      { ...quiet, status: { ...quietStatus, not_saved: notSaved } },
      wordsIn["zh-CN"].editorPage,
      timeSpelling("zh-CN", () => nowMs, "UTC"),
    );
    expect(zh.text).toBe("自 09:12 起未能保存，内容已妥善保留：网盘没有响应。系统会自动重试。");
  });
});

describe("a time", () => {
  const at = (iso: string): number => Date.parse(iso);
  it.each([
    ["an hour ahead is its clock time, over midnight too", "2026-11-28T23:20Z", "2026-11-29T00:20Z", "00:20"],
    ["an hour ago is its clock time, over midnight too", "2026-11-29T00:20Z", "2026-11-28T23:20Z", "23:20"],
    ["of the same day is its clock time", "2026-11-28T23:20Z", "2026-11-28T01:00Z", "01:00"],
    ["of another day, half a day ago, has its date", "2026-11-29T11:20Z", "2026-11-28T23:20Z", "28/11/2026 23:20"],
  ])("%s", (_, now, moment, told) => {
    expect(timeSpelling("en-GB", () => at(now), "UTC")(at(moment))).toBe(told);
  });
});

describe("the way out of a frame", () => {
  const slow = { phase: "loading", waitedMs: 15_000 } as const;
  it.each<[boolean, string, Partial<PageState>]>([
    [true, "the editor says that it failed", { phase: "failed" }],
    [true, "the editor is late", slow],
    [false, "the editor may still come", { ...slow, waitedMs: 14_999 }],
    [false, "the document is there", { ...slow, phase: "loaded" }],
    [false, "the session has ended", { ...slow, ended: "revoked" }],
    [false, "the network is gone", { ...slow, isOffline: true }],
    [false, "the bridge has not answered", { ...slow, status: undefined }],
  ])("is offered: %s, when %s", (isOffered, _when, state) => {
    expect(isNotUp({ ...quiet, ...state })).toBe(isOffered);
  });
});

describe("an editor that does not come up", () => {
  const silent: Partial<PageState> = { phase: "loading", waitedMs: 20_000, isEditorHeard: false };
  const notCalled = { editor_called: { check_file_info: false, get_file: false } };

  it("is explained to a colleague without addresses, and with whom to tell", () => {
    for (const isEditorHeard of [false, true]) {
      const { tone, text } = line({ ...silent, isEditorHeard, isOwner: false }, notCalled);
      expect(tone).toBe("trouble");
      expect(text).toContain("The document is safe");
      expect(text).toContain("{owner}");
      expect(text).not.toMatch(/https?:|bridge|server/);
    }
    const called = { editor_called: { check_file_info: true, get_file: true } };
    expect(line({ ...silent, isOwner: false }, called).text).toBe(
      "The editor is taking a long time to open the document.",
    );
  });

  it.each<[string, Partial<PageState>, Partial<HostPageStatus>, ReturnType<typeof whyNotUp>]>([
    ["loads", { phase: "loading", waitedMs: 1_000 }, notCalled, undefined],
    ["says nothing", silent, notCalled, "editorDown"],
    ["does not reach the bridge", { ...silent, isEditorHeard: true }, notCalled, "bridgeNotReached"],
    ["shows nothing", silent, {}, "editorSlow"],
    ["fails", { phase: "failed" }, {}, "editorFailed"],
    ["stops", { phase: "stopped" }, {}, "editorStopped"],
    ["is up", {}, {}, undefined],
    ["is out of reach, like the bridge", { ...silent, isOffline: true }, notCalled, undefined],
    ["belongs to a session that has ended", { ...silent, ended: "revoked" }, notCalled, undefined],
  ])("and %s has this code for the portal", (_name, state, status, code) => {
    expect(whyNotUp({ ...quiet, ...state, status: { ...quietStatus, ...status } })).toBe(code);
  });
});

describe("trying again", () => {
  const inEditor = { not_saved: { ...notSaved, kept_in: null } };

  it.each<[string, Partial<PageState>, Partial<HostPageStatus>, ReturnType<typeof retryOf>]>([
    ["nothing when all is well", {}, {}, undefined],
    ["the connection when it is lost", { isOffline: true }, {}, "connection"],
    ["the editor when it failed", { phase: "failed" }, {}, "editor"],
    ["the editor when it has closed the document", { phase: "left" }, {}, "editor"],
    ["the save when the editor has the changes", {}, inEditor, "save"],
    ["no save while one is on its way", { isSaving: true }, inEditor, undefined],
    ["no save of somebody else's", {}, { not_saved: { ...inEditor.not_saved, is_mine: false } }, undefined],
    ["no save that is kept and tried anyway", {}, { not_saved: notSaved }, undefined],
    ["no save against somebody's lock", {}, { ...inEditor, locked_by: "Ben" }, undefined],
    ["nothing after the end", { ended: "expired", phase: "failed" }, {}, undefined],
  ])("tries %s", (_name, state, status, retry) => {
    expect(retryOf({ ...quiet, ...state, status: { ...quietStatus, ...status } }, true)).toBe(retry);
  });

  it("is not offered for a save where the editor saves by its own button only", () => {
    expect(retryOf({ ...quiet, status: { ...quietStatus, ...inEditor } }, false)).toBeUndefined();
  });

  it("is joined by a download while the changes are kept", () => {
    expect(isKept({ ...quiet, status: { ...quietStatus, not_saved: notSaved } })).toBe(true);
    expect(isKept({ ...quiet, status: { ...quietStatus, ...inEditor } })).toBe(false);
    expect(isKept(quiet)).toBe(false);
  });
});
