import { element } from "./pageParts.js";

/** Plain text in a text field. `onText` hears what it holds after each key. */
export function textSurface({ onText }) {
  const area = element("text");
  const show = (text, move) => {
    const { selectionStart, selectionEnd, selectionDirection, scrollTop } = area;
    area.value = text;
    area.setSelectionRange(move(selectionStart), move(selectionEnd), selectionDirection);
    area.scrollTop = scrollTop;
  };
  const read = () => onText([area.value]);
  area.addEventListener("input", read);
  return {
    root: area,
    show: (text) => show(text, (place) => place),
    showEdit: (text, edit) => show(text, (place) => moved(place, edit)),
    read,
    letType: (mayType) => {
      area.readOnly = !mayType;
    },
    insert: (text) => {
      if (area.readOnly) return;
      area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
      read();
    },
    focus: () => area.focus(),
    blur: () => area.blur(),
  };
}

/** Where a place in the text lies after somebody else's edit. */
export function moved(place, { position, deleted, inserted }) {
  if (place <= position) return place;
  return place >= position + deleted ? place + inserted.length - deleted : position + inserted.length;
}
