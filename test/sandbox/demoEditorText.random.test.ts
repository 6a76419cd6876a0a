import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type DocumentLine,
  kinds,
  type Piece,
  readLine,
  textsBetween,
  writeLine,
} from "../../src/sandbox/demoEditor/browser/documentMarkup.js";
import { LocalText, type OutgoingEdits } from "../../src/sandbox/demoEditor/browser/localText.js";
import {
  applyEdit,
  type Edit,
  editBetween,
  transformPair,
} from "../../src/sandbox/demoEditor/browser/textOperation.js";
import { readPlainText, writePlainText } from "../../src/sandbox/demoEditor/plainText.ts";
import { SharedText } from "../../src/sandbox/demoEditor/sharedText.ts";
import { randomRuns } from "../support/tier.ts";

const shortText = fc.string({ unit: fc.constantFrom("a", "b", "\n", "😀", "😁", "ü"), maxLength: 12 });

/** A replacement somewhere in a text, chosen by three numbers. */
function editIn(text: string, start: number, length: number, inserted: string): Edit {
  const position = start % (text.length + 1);
  return { position, deleted: length % (text.length - position + 1), inserted };
}

const editChoice = fc.record({ start: fc.nat(30), length: fc.nat(8), inserted: fc.string({ maxLength: 4 }) });

describe("two edits of one text", () => {
  it("give the same text in either order", () => {
    fc.assert(
      fc.property(shortText, editChoice, editChoice, (text, one, other) => {
        const earlier = editIn(text, one.start, one.length, one.inserted);
        const later = editIn(text, other.start, other.length, other.inserted);
        const [earlierAfter, laterAfter] = transformPair(earlier, later);
        const laterLast = applyEdit(applyEdit(text, earlier), laterAfter);
        expect(applyEdit(applyEdit(text, later), earlierAfter)).toBe(laterLast);
        expect(laterLast).toContain(earlier.inserted);
        expect(laterLast).toContain(later.inserted);
      }),
      randomRuns(2000),
    );
  });

  it("keep what one typed inside a stretch the other deleted", () => {
    const deletion = { position: 0, deleted: 11, inserted: "" };
    const typing = { position: 5, deleted: 0, inserted: " dear" };
    const [, typingAfter] = transformPair(deletion, typing);
    expect(applyEdit(applyEdit("hello world", deletion), typingAfter)).toBe(" dear");
  });

  it("put the text that came first before the other at one place", () => {
    const [, later] = transformPair(
      { position: 0, deleted: 0, inserted: "A" },
      { position: 0, deleted: 0, inserted: "B" },
    );
    expect(applyEdit("A", later)).toBe("AB");
  });
});

describe("the edit between two texts", () => {
  it("leads from one to the other", () => {
    fc.assert(
      fc.property(shortText, shortText, (before, after) => {
        const edit = editBetween(before, after);
        expect(edit === undefined ? before : applyEdit(before, edit)).toBe(after);
      }),
      randomRuns(100),
    );
  });

  it("does not cut a character of two units in half", () => {
    expect(editBetween("a😀b", "a😁b")).toEqual({ position: 1, deleted: 2, inserted: "😁" });
  });
});

type Step =
  | { kind: "type"; who: number; start: number; length: number; inserted: string }
  | { kind: "deliver" | "send" | "drop"; who: number };

const who = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("type" as const),
    who,
    start: fc.nat(40),
    length: fc.nat(5),
    inserted: fc.string({ maxLength: 3 }),
  }),
  fc.record({ kind: fc.constantFrom("deliver" as const, "send" as const, "deliver" as const, "send" as const), who }),
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), who }) },
);

/** Three pages and a server whose messages arrive when the test says so; a dropped line loses those under way. */
class Meeting {
  readonly server: SharedText;
  readonly pages: {
    text: LocalText;
    up: OutgoingEdits[];
    down: { revision: number; edit: Edit; own: boolean }[];
    accepted: number;
  }[];

  constructor(text: string) {
    this.server = new SharedText(text);
    this.pages = [0, 1, 2].map(() => ({ text: new LocalText(text, 0), up: [], down: [], accepted: 0 }));
  }

  take(wanted: Step): void {
    const page = this.#page(wanted.who);
    if (wanted.kind === "type") {
      const { text } = page.text;
      page.text.typed(applyEdit(text, editIn(text, wanted.start, wanted.length, wanted.inserted)));
    } else if (wanted.kind === "deliver") this.#deliver(wanted.who);
    else if (wanted.kind === "send") this.#send(wanted.who);
    else {
      page.up.length = 0;
      page.down.length = 0;
      page.text.rejoin(this.server.text, this.server.revision, page.accepted);
    }
  }

  settle(): void {
    const isQuiet = () => this.pages.every(({ text, up, down }) => text.settled && up.length + down.length === 0);
    for (let round = 0; round < 100 && !isQuiet(); round++)
      for (const index of this.pages.keys()) {
        this.#send(index);
        while (this.#page(index).down.length > 0) this.#deliver(index);
      }
  }

  #page(index: number) {
    const page = this.pages[index];
    if (page === undefined) throw new Error("no such page");
    return page;
  }

  #deliver(index: number): void {
    const page = this.#page(index);
    const message = page.down.shift();
    if (message !== undefined) page.text.receive(message);
  }

  /** Says what is new, and lets the server read one message of this page; the server may hear one twice. */
  #send(index: number): void {
    const page = this.#page(index);
    const message = page.text.outgoing();
    if (message !== undefined) page.up.push(message, message);
    const read = page.up.shift();
    if (read === undefined) return;
    const accepted = this.server.receive(index, read.baseRevision, read.edits);
    if (accepted === undefined) throw new Error("the server refused an edit");
    for (const { revision, edit, sequence } of accepted) {
      page.accepted = sequence;
      for (const [each, { down }] of this.pages.entries()) down.push({ revision, edit, own: each === index });
    }
  }
}

describe("three people typing in one text", () => {
  it("all end with the server's text, whatever is late, repeated or lost", () => {
    fc.assert(
      fc.property(shortText, fc.array(step, { maxLength: 60 }), (text, steps) => {
        const meeting = new Meeting(text);
        for (const each of steps) meeting.take(each);
        meeting.settle();
        for (const page of meeting.pages) expect(page.text.text).toBe(meeting.server.text);
      }),
      randomRuns(500),
    );
  });

  it("lose no letter and double none", () => {
    const anyStep = step.map((each): Step => (each.kind === "type" ? { ...each, length: 0, inserted: "x" } : each));
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 80 }), (steps) => {
        const meeting = new Meeting("");
        let letters = "";
        for (const each of steps) {
          // Every letter typed is another one, so that each can be looked for at the end.
          const letter = String.fromCharCode(0x4e00 + letters.length);
          if (each.kind === "type") letters += letter;
          meeting.take(each.kind === "type" ? { ...each, inserted: letter } : each);
        }
        meeting.settle();
        expect([...meeting.server.text].sort().join("")).toBe(letters);
      }),
      randomRuns(1000),
    );
  });

  it.each([true, false])(
    "has the last words of a leaving page, whether the ones before arrived (%s) or not",
    (arrived) => {
      const server = new SharedText("hello");
      const page = new LocalText("hello", 0);
      page.typed("hello w");
      const first = page.outgoing();
      page.typed("hello world");
      if (arrived) server.receive(1, first?.baseRevision ?? 0, first?.edits ?? []);
      server.receive(2, server.revision, [{ sequence: 1, edit: { position: 0, deleted: 0, inserted: "> " } }]);
      const last = page.unconfirmed();
      server.receive(1, last.baseRevision, last.edits);
      expect(server.text).toBe("> hello world");
    },
  );

  it("sends a page back to the start when its edit does not fit", () => {
    const server = new SharedText("abc");
    expect(server.receive(1, 7, [{ sequence: 1, edit: { position: 0, deleted: 0, inserted: "x" } }])).toBeUndefined();
    expect(server.receive(1, 0, [{ sequence: 1, edit: { position: 2, deleted: 9, inserted: "" } }])).toBeUndefined();
    expect(server.text).toBe("abc");
  });
});

describe("the bytes of a text file", () => {
  it.each(["", "a\nb", "a\r\nb\r\n", "a\rb\r", "\uFEFFmark", "ü😀\n"])(
    "are the same after reading and writing %j",
    (text) => {
      const plain = readPlainText(Buffer.from(text));
      expect(plain && writePlainText(plain).toString()).toBe(text);
    },
  );
});

describe("a document as a text", () => {
  const piece: fc.Arbitrary<Piece> = fc.oneof(
    fc.record({ text: shortText.map((text) => `${text.replaceAll("\n", "")}x`), run: fc.nat(3), format: fc.nat(7) }),
    fc.record({ kept: fc.nat(5) }),
  );
  const line: fc.Arbitrary<DocumentLine> = fc.record({
    paragraph: fc.nat(4),
    kind: fc.constantFrom(...kinds),
    pieces: fc.array(piece, { maxLength: 5 }),
  });
  const document = fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.map(writeLine).join("\n"));

  it("reads as it was written", () => {
    fc.assert(
      fc.property(line, (given) => {
        const written = writeLine(given);
        expect(writeLine(readLine(written))).toBe(written);
      }),
      randomRuns(500),
    );
  });

  it("comes from one state to another by edits that each change one place", () => {
    fc.assert(
      fc.property(document, document, (before, after) => {
        const texts = textsBetween(before, after);
        const end = texts.reduce((text, next) => {
          const edit = editBetween(text, next);
          return edit === undefined ? text : applyEdit(text, edit);
        }, before);
        expect(end).toBe(before === after ? before : after);
      }),
      randomRuns(500),
    );
  });
});
