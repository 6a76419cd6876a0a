import { cellText } from "./cellText.js";
import { calculator } from "./formula.js";
import { element } from "./pageParts.js";
import { columnName, entryLine, placeOf, readEntries } from "./sheetEntries.js";

const leastRows = 60;
const leastColumns = 26;
const mostRows = 1000;
const mostColumns = 100;
const characterPx = 8;
const steps = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/**
 * The sheets of a workbook as a grid. What is put into a cell is added to the shared text; `onText` hears the text
 * that makes.
 */
export function sheetSurface({ onText }) {
  const grid = element("grid");
  const bar = element("cell-input");
  let form = { sheets: [], looks: [] };
  let text = "";
  let inputs = new Map();
  let loaded = new Map();
  let sheet = 0;
  let selected = "A1";
  let cells = new Map();
  let mayType = false;
  let editing;

  function show(newText, newForm) {
    text = newText;
    inputs = readEntries(text);
    if (newForm !== undefined && newForm !== form) {
      form = newForm;
      loaded = inputs;
      sheet = Math.min(sheet, form.sheets.length - 1);
      build();
    } else refresh();
  }

  function showEdit(newText, { position, deleted, inserted }) {
    const isAdded = deleted === 0 && position === newText.length - inserted.length;
    text = newText;
    inputs = isAdded ? readEntries(inserted, new Map(inputs)) : readEntries(text);
    refresh();
  }

  function put(cell, input) {
    if (!mayType || isFixed(cell) || input === inputOf(cell)) return;
    const line = entryLine(sheet, cell, input);
    text += line;
    inputs = readEntries(line, new Map(inputs));
    refresh();
    onText([text]);
  }

  function inputOf(cell, ofSheet = sheet) {
    return inputs.get(`${ofSheet}!${cell}`) ?? "";
  }

  function isFixed(cell) {
    return form.sheets[sheet]?.cells[cell]?.isFixed === true;
  }

  function build() {
    const { widths = {}, cells: known = {}, merged = [] } = form.sheets[sheet] ?? {};
    const filled = [...inputs.keys()].filter((key) => key.startsWith(`${sheet}!`)).map((key) => key.split("!")[1]);
    const places = [...Object.keys(known), ...filled].map(placeOf);
    const used = (what) => places.reduce((most, place) => Math.max(most, place[what]), 0);
    const rows = Math.min(mostRows, Math.max(leastRows, used("row") + 20));
    const columns = Math.min(mostColumns, Math.max(leastColumns, used("column") + 4));
    cells = new Map();
    const spans = spansOf(merged);
    const head = document.createElement("thead");
    const names = head.insertRow();
    names.append(document.createElement("td"));
    const widthsRow = document.createElement("colgroup");
    widthsRow.append(document.createElement("col"));
    for (let column = 1; column <= columns; column++) {
      const name = document.createElement("th");
      name.scope = "col";
      name.textContent = columnName(column);
      names.append(name);
      const col = document.createElement("col");
      col.style.width = `${Math.round((widths[column] ?? 11) * characterPx + 10)}px`;
      widthsRow.append(col);
    }
    const body = document.createElement("tbody");
    for (let row = 1; row <= rows; row++) {
      const line = body.insertRow();
      const name = document.createElement("th");
      name.scope = "row";
      name.textContent = String(row);
      line.append(name);
      for (let column = 1; column <= columns; column++) {
        const cellName = `${columnName(column)}${row}`;
        const span = spans.get(cellName);
        if (span === "covered") continue;
        const cell = line.insertCell();
        cell.dataset.cell = cellName;
        cell.tabIndex = -1;
        if (span !== undefined) {
          cell.colSpan = span.columns;
          cell.rowSpan = span.rows;
        }
        dress(cell, form.looks[known[cellName]?.look]);
        cells.set(cellName, cell);
      }
    }
    grid.replaceChildren(widthsRow, head, body);
    const end = element("grid-end");
    end.hidden = used("row") <= rows && used("column") <= columns;
    end.textContent = `Only the first ${rows} rows and ${columns} columns are shown here. The others stay in the file.`;
    buildTabs();
    refresh();
    select(cells.has(selected) ? selected : "A1", false);
  }

  function buildTabs() {
    element("sheet-tabs").replaceChildren(
      ...form.sheets.map(({ name }, index) => {
        const tab = document.createElement("button");
        tab.type = "button";
        tab.role = "tab";
        tab.textContent = name;
        tab.setAttribute("aria-selected", String(index === sheet));
        tab.addEventListener("click", () => {
          commit();
          sheet = index;
          selected = "A1";
          build();
          element("grid-holder").scrollTo(0, 0);
          grid.querySelector("[data-cell=A1]")?.focus();
        });
        return tab;
      }),
    );
  }

  /** Shows each cell's value as it is now; a formula that can't be reckoned keeps its last result. */
  function refresh() {
    const valueAt = calculator({
      sheetNames: form.sheets.map(({ name }) => name),
      inputOf: (ofSheet, cell) => inputOf(cell, ofSheet),
    });
    for (const [name, cell] of cells) {
      const known = form.sheets[sheet].cells[name];
      const input = inputOf(name);
      if (input === "" && cell.textContent === "") continue;
      if (cell === editing?.cell) continue;
      const isAsLoaded = input === (loaded.get(`${sheet}!${name}`) ?? "");
      const reckoned = valueAt(sheet, name) ?? (isAsLoaded && known?.result ? resultOf(known.result) : input);
      const shown = cellText(reckoned, form.looks[known?.look]?.format);
      if (cell.textContent !== shown) cell.textContent = shown;
      cell.classList.toggle("number", typeof reckoned === "number");
    }
    if (document.activeElement !== bar) bar.value = inputOf(selected);
  }

  function select(name, takesFocus = true) {
    const cell = cells.get(name);
    if (cell === undefined) return;
    const before = cells.get(selected);
    before?.classList.remove("selected");
    before?.setAttribute("tabindex", "-1");
    selected = name;
    cell.classList.add("selected");
    cell.tabIndex = 0;
    element("cell-name").textContent = name;
    bar.value = inputOf(name);
    bar.readOnly = !mayType || isFixed(name);
    if (takesFocus) cell.focus();
  }

  function move([columns, rows]) {
    const from = placeOf(selected);
    for (let many = 1; many <= 50; many++) {
      const column = from.column + columns * many;
      const row = from.row + rows * many;
      if (column < 1 || row < 1) return;
      const name = `${columnName(column)}${row}`;
      if (cells.has(name)) return select(name);
    }
  }

  /** Lets somebody type in the cell itself. */
  function edit(input) {
    const cell = cells.get(selected);
    if (!mayType || isFixed(selected) || cell === undefined) return;
    const field = document.createElement("input");
    field.value = input;
    field.setAttribute("aria-label", `Content of ${selected}`);
    editing = { cell, field, name: selected };
    cell.replaceChildren(field);
    field.focus();
    field.addEventListener("input", () => {
      bar.value = field.value;
    });
    field.addEventListener("blur", () => commit());
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.isComposing) return;
      if (event.key === "Escape") leaveField();
      else if (event.key === "Enter") {
        commit();
        move([0, event.shiftKey ? -1 : 1]);
      } else if (event.key === "Tab") {
        commit();
        move([event.shiftKey ? -1 : 1, 0]);
      } else return;
      event.preventDefault();
    });
  }

  function leaveField() {
    const { cell, name } = editing;
    editing = undefined;
    cell.textContent = "";
    refresh();
    select(name);
  }

  /** Puts what was typed into its cell. */
  function commit() {
    if (editing === undefined) return;
    const { cell, field, name } = editing;
    editing = undefined;
    cell.textContent = "";
    put(name, field.value.trim());
    refresh();
  }

  grid.addEventListener("mousedown", (event) => {
    const name = event.target.closest("[data-cell]")?.dataset.cell;
    if (name === undefined || name === editing?.name) return;
    event.preventDefault();
    commit();
    select(name);
  });
  grid.addEventListener("dblclick", () => {
    if (editing === undefined) edit(inputOf(selected));
  });
  grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const { key } = event;
    if (Object.hasOwn(steps, key)) move(steps[key]);
    else if (key === "Tab" && !event.shiftKey) move([1, 0]);
    else if (key === "Enter") move([0, event.shiftKey ? -1 : 1]);
    else if (key === "F2") edit(inputOf(selected));
    else if (key === "Delete" || key === "Backspace") put(selected, "");
    else if (key.length === 1) return edit("");
    else return;
    event.preventDefault();
  });
  grid.addEventListener("copy", (event) => {
    if (editing !== undefined) return;
    event.clipboardData.setData("text/plain", cells.get(selected)?.textContent ?? "");
    event.preventDefault();
  });
  grid.addEventListener("paste", (event) => {
    if (editing !== undefined) return;
    event.preventDefault();
    const { column, row } = placeOf(selected);
    const pasted = (event.clipboardData.getData("text/plain") ?? "").replace(/\r?\n$/, "");
    for (const [down, line] of pasted.split(/\r?\n/).entries())
      for (const [right, input] of line.split("\t").entries())
        put(`${columnName(column + right)}${row + down}`, input.trim());
  });
  bar.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) {
      put(selected, bar.value.trim());
      move([0, 1]);
    } else if (event.key === "Escape") {
      bar.value = inputOf(selected);
      select(selected);
    }
  });
  bar.addEventListener("change", () => put(selected, bar.value.trim()));

  return {
    root: grid,
    show,
    showEdit,
    read: () => {},
    letType: (may) => {
      mayType = may;
      grid.setAttribute("aria-readonly", String(!may));
      bar.readOnly = !may || isFixed(selected);
    },
    insert: (input) => put(selected, input),
    focus: () => cells.get(selected)?.focus(),
    blur: () => document.activeElement?.blur(),
  };
}

/** A formula's last result, as the file has it. */
function resultOf(result) {
  return Number.isFinite(Number(result)) ? Number(result) : result;
}

function dress(cell, { bold, italic, color, background, align } = {}) {
  if (bold) cell.style.fontWeight = "600";
  if (italic) cell.style.fontStyle = "italic";
  if (background !== undefined) {
    cell.style.backgroundColor = background;
    // Written on a colour of the file's: the page's own, light in the dark, would be lost on it.
    cell.style.color = color ?? "#1c2321";
  } else if (color !== undefined && color !== "#000000") cell.style.color = color;
  if (align !== undefined) cell.style.textAlign = align;
}

/** How far the first cell of each merged range reaches; the others are covered by it. */
function spansOf(merged) {
  const spans = new Map();
  for (const range of merged) {
    const [from, to] = range.split(":").map(placeOf);
    if (from === undefined || to === undefined) continue;
    const last = Math.min(to.row, mostRows);
    const lastColumn = Math.min(to.column, mostColumns);
    for (let row = from.row; row <= last; row++)
      for (let column = from.column; column <= lastColumn; column++)
        spans.set(`${columnName(column)}${row}`, "covered");
    spans.set(`${columnName(from.column)}${from.row}`, {
      columns: lastColumn - from.column + 1,
      rows: last - from.row + 1,
    });
  }
  return spans;
}
