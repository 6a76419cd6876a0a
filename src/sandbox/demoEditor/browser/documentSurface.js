import {
  bold,
  italic,
  lettersStart,
  lineBreak,
  readLine,
  textsBetween,
  underline,
  writeLine,
} from "./documentMarkup.js";
import { element } from "./pageParts.js";
import { moved } from "./textSurface.js";

const tags = [
  [bold, "b"],
  [italic, "i"],
  [underline, "u"],
];
const formats = { B: bold, STRONG: bold, I: italic, EM: italic, U: underline };
const headingLevels = { title: "1", heading1: "1", heading2: "2", heading3: "3" };
const ledBy = new Set(["title", "heading1", "heading2", "heading3"]);

/**
 * A document on paper. The browser edits it; after each key it is read back into the shared text, paragraph by
 * paragraph. `onText` hears the texts on the way to what it holds.
 */
export function documentSurface({ onText }) {
  const paper = element("paper");
  const kindChoice = element("paragraph-kind");
  const commands = [...element("document-tools").querySelectorAll("[data-command]")];
  const listButtons = [...element("document-tools").querySelectorAll("[data-kind]")];
  /** Each paragraph's line in the shared text, and how it reads back. */
  const lineOf = new WeakMap();
  let form = { runs: [], paragraphs: {}, kept: [] };
  let shown = "";
  let mayType = false;
  let isFormatting = false;

  function show(text, newForm) {
    if (newForm !== undefined && newForm !== form) {
      form = newForm;
      paper.replaceChildren();
    }
    render(text, (place) => place);
  }

  /** Puts a text on the paper; paragraphs that stay the same stay as they are. */
  function render(text, move) {
    const places = hasCaret() ? caretPlaces() : undefined;
    const lines = text.split("\n");
    const blocks = [...paper.children];
    const isSame = (block, line) => block !== undefined && lineOf.get(block)?.line === line;
    let head = 0;
    while (head < Math.min(lines.length, blocks.length) && isSame(blocks[head], lines[head])) head++;
    let tail = 0;
    const rest = Math.min(lines.length, blocks.length) - head;
    while (tail < rest && isSame(blocks.at(-1 - tail), lines.at(-1 - tail))) tail++;
    for (const block of blocks.slice(head, blocks.length - tail)) block.remove();
    const made = lines.slice(head, lines.length - tail).map(blockOf);
    if (head === 0) paper.prepend(...made);
    else blocks[head - 1].after(...made);
    shown = text;
    if (places !== undefined) putCaret(places.map(move));
  }

  function blockOf(line) {
    const read = readLine(line);
    const block = document.createElement("div");
    setKind(block, read.kind);
    if (read.paragraph > 0) block.dataset.paragraph = String(read.paragraph);
    const { align, level, rows } = form.paragraphs[read.paragraph] ?? {};
    if (align !== undefined) block.style.textAlign = align;
    if (level !== undefined) block.dataset.level = String(level);
    if (read.kind === "block") {
      block.contentEditable = "false";
      block.append(tableOf(rows ?? [[""]]));
    } else {
      for (const piece of read.pieces) block.append(...nodesOf(piece));
      fillEmpty(block);
    }
    lineOf.set(block, { line, read: serialised(block) });
    return block;
  }

  function nodesOf(piece) {
    if (piece.kept !== undefined) {
      const { what, text, comment } = form.kept[piece.kept] ?? { what: "other", text: "" };
      const chip = document.createElement("span");
      chip.className = `kept ${what}`;
      chip.contentEditable = "false";
      chip.dataset.kept = String(piece.kept);
      chip.textContent = text;
      if (what === "picture") chip.title = "A picture: it stays in the file";
      if (comment !== undefined) {
        chip.title = `${comment.author}: ${comment.text}`;
        chip.setAttribute("role", "img");
        chip.setAttribute("aria-label", `Comment of ${comment.author}`);
      }
      return [chip];
    }
    return piece.text.split(/(\u2028)/).flatMap((letters) => {
      if (letters === "") return [];
      let node = letters === lineBreak ? document.createElement("br") : document.createTextNode(letters);
      if (letters === lineBreak) node.dataset.break = "";
      for (const [bit, tag] of tags) {
        if ((piece.format & bit) === 0) continue;
        const around = document.createElement(tag);
        around.append(node);
        node = around;
      }
      if (piece.run === 0) return [node];
      const run = document.createElement("span");
      run.dataset.run = String(piece.run);
      const { color, background, sizePt, struck } = form.runs[piece.run] ?? {};
      // Black is what Word writes for the usual colour: on dark paper it would be gone.
      if (color !== undefined && color !== "#000000") run.style.color = color;
      if (background !== undefined) run.style.backgroundColor = background;
      if (sizePt !== undefined) run.style.fontSize = `${sizePt}pt`;
      if (struck) run.style.textDecoration = "line-through";
      run.append(node);
      return [run];
    });
  }

  /** The paper as text; paragraphs that nobody touched keep their line to the letter. */
  function read() {
    tidy();
    const lines = [...paper.children].map((block) => {
      const now = serialised(block);
      const known = lineOf.get(block);
      if (known?.read === now) return known.line;
      lineOf.set(block, { line: now, read: now });
      return now;
    });
    const text = lines.join("\n");
    if (text === shown) return;
    const texts = isFormatting ? textsBetween(shown, text) : [text];
    shown = text;
    onText(texts);
  }

  /** Browsers leave bare letters, and an empty paper, behind. */
  function tidy() {
    for (const node of [...paper.childNodes]) {
      if (node instanceof HTMLElement && node.tagName === "DIV") continue;
      const block = document.createElement("div");
      setKind(block, "text");
      node.replaceWith(block);
      if (node.textContent !== "") block.append(node);
      fillEmpty(block);
    }
    for (const block of paper.children) if (block.dataset.kind === undefined) setKind(block, "text");
    if (paper.firstChild === null) {
      paper.append(blockOf(writeLine({ paragraph: 0, kind: "text", pieces: [] })));
      getSelection().collapse(paper.firstChild, 0);
    }
  }

  function setKind(block, kind) {
    block.dataset.kind = kind;
    const level = headingLevels[kind];
    if (level === undefined) {
      block.removeAttribute("role");
      block.removeAttribute("aria-level");
    } else {
      block.setAttribute("role", "heading");
      block.setAttribute("aria-level", level);
    }
  }

  function setKinds(kind) {
    if (!mayType) return;
    const blocks = chosenBlocks().filter((block) => block.dataset.kind !== "block");
    const wanted = blocks.every((block) => block.dataset.kind === kind) ? "text" : kind;
    for (const block of blocks) setKind(block, wanted);
    format(() => read());
    showChoice();
  }

  function format(work) {
    isFormatting = true;
    work();
    isFormatting = false;
  }

  function chosenBlocks() {
    if (!hasCaret()) return [];
    const range = getSelection().getRangeAt(0);
    return [...paper.children].filter((block) => range.intersectsNode(block));
  }

  function hasCaret() {
    const { anchorNode } = getSelection();
    return anchorNode !== null && paper.contains(anchorNode) && anchorNode !== paper;
  }

  /** The two ends of what is selected, as places in the shown text. */
  function caretPlaces() {
    const { anchorNode, anchorOffset, focusNode, focusOffset } = getSelection();
    return [placeOf(anchorNode, anchorOffset), placeOf(focusNode, focusOffset)];
  }

  function placeOf(node, offset) {
    const blocks = [...paper.children];
    const index = blocks.findIndex((block) => block.contains(node));
    if (index < 0) return 0;
    const lines = shown.split("\n");
    const before = lines.slice(0, index).reduce((sum, line) => sum + line.length + 1, 0);
    return before + inLine(lines[index] ?? "", lettersBefore(blocks[index], node, offset));
  }

  function putCaret([anchor, focus]) {
    const ends = [anchor, focus].map((place) => {
      const lines = shown.slice(0, place).split("\n");
      const block = paper.children[lines.length - 1];
      return block === undefined ? undefined : domPlace(block, lettersIn(lines.at(-1) ?? ""));
    });
    const [from, to] = ends;
    if (from !== undefined && to !== undefined)
      getSelection().setBaseAndExtent(from.node, from.offset, to.node, to.offset);
  }

  function showChoice() {
    if (!hasCaret()) return;
    for (const button of commands)
      button.setAttribute("aria-pressed", String(document.queryCommandState(button.dataset.command)));
    const kind = chosenBlocks()[0]?.dataset.kind ?? "text";
    for (const button of listButtons) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
    kindChoice.value = ledBy.has(kind) ? kind : "text";
  }

  paper.addEventListener("input", (event) => {
    if (event.inputType === "insertParagraph") continueAfter();
    isFormatting = event.inputType?.startsWith("format") === true;
    read();
    isFormatting = false;
  });

  /** A heading is followed by text. */
  function continueAfter() {
    const [block] = chosenBlocks();
    if (block === undefined || block.textContent !== "" || !ledBy.has(block.dataset.kind ?? "text")) return;
    setKind(block, "text");
    delete block.dataset.paragraph;
  }

  paper.addEventListener("beforeinput", (event) => {
    if (event.inputType === "insertFromDrop") event.preventDefault();
    if (!getSelection().isCollapsed) return;
    const [block] = chosenBlocks();
    const kind = block?.dataset.kind;
    if (kind !== "bullet" && kind !== "number") return;
    const { anchorNode, anchorOffset } = getSelection();
    const isAtStart = lettersBefore(block, anchorNode, anchorOffset) === 0;
    const endsList =
      (event.inputType === "insertParagraph" && serialised(block) === serialised(emptied(block))) ||
      (event.inputType === "deleteContentBackward" && isAtStart);
    if (!endsList) return;
    event.preventDefault();
    setKinds("text");
  });

  paper.addEventListener("paste", (event) => {
    event.preventDefault();
    if (mayType) document.execCommand("insertText", false, event.clipboardData?.getData("text/plain") ?? "");
  });

  document.addEventListener("selectionchange", showChoice);
  // Without it the paper would lose its selection to the button.
  for (const button of [...commands, ...listButtons])
    button.addEventListener("mousedown", (event) => event.preventDefault());
  for (const button of commands)
    button.addEventListener("click", () => {
      if (!mayType) return;
      paper.focus();
      format(() => document.execCommand(button.dataset.command));
      showChoice();
    });
  for (const button of listButtons) button.addEventListener("click", () => setKinds(button.dataset.kind));
  kindChoice.addEventListener("change", () => {
    paper.focus();
    setKinds(kindChoice.value);
  });

  return {
    root: paper,
    show,
    showEdit: (text, edit) => render(text, (place) => moved(place, edit)),
    read,
    letType: (may) => {
      mayType = may;
      paper.contentEditable = String(may);
      element("document-tools").hidden = !may;
    },
    insert: (text) => {
      if (!mayType) return;
      paper.focus();
      document.execCommand("insertText", false, text);
    },
    /** What the text only shows, by number. */
    get kept() {
      return form.kept;
    },
    /** Somebody has made a comment; its place follows. */
    learn: (kept, look) => {
      form.kept[kept] = look;
    },
    /**
     * Where the paragraph with the caret begins, or the first one, as a place in the shown text. A comment stands there: at
     * the end, browsers let the caret not pass it.
     */
    paragraphStart: () => {
      const [place = 0] = hasCaret() ? caretPlaces() : [];
      return lettersStart(shown, place);
    },
    showKept: (kept) => {
      const chip = paper.querySelector(`[data-kept="${kept}"]`);
      chip?.scrollIntoView({ block: "center" });
      chip
        ?.closest("#paper > div")
        ?.animate([{ backgroundColor: "#f5d76e80" }, { backgroundColor: "transparent" }], 1500);
    },
    focus: () => paper.focus(),
    blur: () => paper.blur(),
  };
}

function tableOf(rows) {
  const table = document.createElement("table");
  for (const cells of rows) {
    const row = table.insertRow();
    for (const cell of cells) row.insertCell().textContent = cell;
  }
  return table;
}

/** A paragraph without letters has no height, nor a place for the caret. */
function fillEmpty(block) {
  if (block.firstChild === null || block.lastChild.dataset?.break !== undefined)
    block.append(document.createElement("br"));
}

function emptied(block) {
  return block.cloneNode(false);
}

function serialised(block) {
  const pieces = [];
  const add = (text, run, format) => {
    const last = pieces.at(-1);
    if (last?.text !== undefined && last.run === run && last.format === format) last.text += text;
    else if (text !== "") pieces.push({ text, run, format });
  };
  const walk = (parent, run, format) => {
    for (const node of parent.childNodes) {
      if (node instanceof Text) add(node.data.replaceAll(/\r?\n/g, lineBreak), run, format);
      else if (node.dataset?.kept !== undefined) pieces.push({ kept: Number(node.dataset.kept) });
      else if (node.tagName === "BR") {
        if (!isFiller(node, block)) add(lineBreak, run, format);
      } else if (node instanceof HTMLElement) {
        walk(
          node,
          node.dataset.run === undefined ? run : Number(node.dataset.run),
          format | (formats[node.tagName] ?? 0),
        );
      }
    }
  };
  const kind = block.dataset.kind ?? "text";
  if (kind !== "block") walk(block, 0, 0);
  return writeLine({ paragraph: Number(block.dataset.paragraph ?? 0), kind, pieces });
}

/** A browser's last br in a paragraph only holds it open. */
function isFiller(br, block) {
  let node = br;
  while (node !== block) {
    if (node.nextSibling !== null) return false;
    node = node.parentNode;
  }
  return true;
}

/** How many letters of a paragraph lie before a place in the page. */
function lettersBefore(block, node, offset) {
  const range = document.createRange();
  range.setStart(block, 0);
  range.setEnd(node, offset);
  let count = 0;
  const walk = (parent) => {
    for (const child of parent.childNodes) {
      if (child instanceof Text) count += child.data.length;
      else if (child.dataset?.kept !== undefined || child.tagName === "BR") count += 1;
      else walk(child);
    }
  };
  walk(range.cloneContents());
  return count;
}

function domPlace(block, letters) {
  let left = letters;
  const walk = (parent) => {
    for (const child of parent.childNodes) {
      if (child instanceof Text) {
        if (left <= child.data.length) return { node: child, offset: left };
        left -= child.data.length;
      } else if (child.dataset?.kept !== undefined || child.tagName === "BR") {
        if (left === 0) return { node: parent, offset: [...parent.childNodes].indexOf(child) };
        left -= 1;
      } else {
        const found = walk(child);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  };
  return walk(block) ?? { node: block, offset: block.childNodes.length };
}

/** How many letters a piece of a line holds: what is only shown counts as one, marks count as none. */
function lettersIn(line) {
  return readLine(line).pieces.reduce((sum, { text }) => sum + (text?.length ?? 1), 0);
}

/** Behind how much of a line so many letters lie. */
function inLine(line, letters) {
  let place = 0;
  let count = 0;
  for (const character of line) {
    const size = lettersIn(character);
    if (size > 0 && count >= letters) return place;
    count += size;
    place += character.length;
  }
  return place;
}
