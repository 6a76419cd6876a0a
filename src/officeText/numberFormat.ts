/** What a cell's number means to who reads it; all else shows as the number that it is. */
export type NumberKind = "number" | "percent" | "boolean" | "date" | "time" | "dateTime" | "duration";

/** 45 to 47 and 18 to 21 are times; 27 to 36 and 50 to 58 are the dates of Chinese, Japanese and Korean Excels. */
const builtIn = (id: number): NumberKind => {
  if (id === 9 || id === 10) return "percent";
  if (id === 22) return "dateTime";
  if (id === 46) return "duration";
  if ((id >= 18 && id <= 21) || id === 45 || id === 47) return "time";
  return (id >= 14 && id <= 17) || (id >= 27 && id <= 36) || (id >= 50 && id <= 58) ? "date" : "number";
};

/** As LibreOffice writes it: in its xlsx, the result of a formula that is true is the number 1. */
const libreOfficesBoolean = '"TRUE";"TRUE";"FALSE"';

/** @param id of a number format in a workbook @param code its own code, if the workbook has one: `dd\.mm\.yyyy` */
export function numberKindOf(id: number, code: string | undefined): NumberKind {
  if (code === undefined) return builtIn(id);
  if (code === libreOfficesBoolean) return "boolean";
  // The colour, language or condition in brackets is no part of it, but [h] is: hours that don't begin anew each day.
  const letters = code
    .toLowerCase()
    .replace(/"[^"]*"|[\\_*].|\[(?!(?:h+|m+|s+)\])[^\]]*\]/g, "")
    .replace(/;.*/s, "");
  if (/\[[hms]+\]/.test(letters)) return "duration";
  const hasTime = /[hs]/.test(letters);
  // M is the minute after an hour or before a second, otherwise the month.
  const hasDate = /[yd]/.test(letters.replace(/am\/pm|a\/p/g, "")) || (!hasTime && letters.includes("m"));
  if (hasDate) return hasTime ? "dateTime" : "date";
  if (hasTime) return "time";
  return letters.includes("%") ? "percent" : "number";
}

const dayMs = 86_400_000;
/** The end of the year 9999; Excel shows no later date. */
const lastDay = 2_958_466;

/**
 * A cell's number for a person, and the same whoever saved it: Excel writes 17 digits, LibreOffice 15.
 * @param value as the workbook has it @param is1904 whether its days count from 1904, as old Macs did
 */
export function shownNumber(value: string, kind: NumberKind, is1904: boolean): string {
  const number = Number(value);
  if (value.trim() === "" || !Number.isFinite(number)) return value;
  if (kind === "boolean") return number === 0 ? "FALSE" : "TRUE";
  if (kind === "percent") return `${plain(number * 100)}%`;
  if (kind === "number" || number < 0 || number >= lastDay) return plain(number);
  if (kind === "duration") return clock(Math.round(number * dayMs));
  const momentMs = Math.round(number * dayMs);
  const time = clock(momentMs % dayMs);
  // A date before the first is a time, as in formats whose kind their number alone does not tell.
  if (kind === "time" || (momentMs < dayMs && !is1904)) return time;
  const date = new Date(firstDayMs(momentMs, is1904) + momentMs).toISOString().slice(0, 10);
  return kind === "date" ? date : `${date} ${time}`;
}

/** Excel takes 1900 for a leap year, so that days before its March count from one day later. */
function firstDayMs(momentMs: number, is1904: boolean): number {
  if (is1904) return Date.UTC(1904, 0, 1);
  return momentMs < 60 * dayMs ? Date.UTC(1899, 11, 31) : Date.UTC(1899, 11, 30);
}

const plain = (number: number): string => String(Number(number.toPrecision(15)));

/** `08:15`, and seconds where there are some. */
function clock(ms: number): string {
  const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60];
  const seconds = (ms % 60_000) / 1000;
  const two = (part: number): string => String(part).padStart(2, "0");
  if (seconds === 0) return `${two(hours)}:${two(minutes)}`;
  const [whole = "", ...rest] = String(seconds).split(".");
  return `${two(hours)}:${two(minutes)}:${[whole.padStart(2, "0"), ...rest].join(".")}`;
}
