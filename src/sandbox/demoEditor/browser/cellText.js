const msOfDay = 86_400_000;
// The zero of Excel's days, with its 29 February 1900 that never was.
const zeroMs = Date.UTC(1899, 11, 30);

/** A value as a cell shows it, by the code of its number format, such as `#,##0.00` or `yyyy-mm-dd`. */
export function cellText(value, format = "General") {
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (typeof value !== "number") return value;
  const [usual = "", negative] = format.replaceAll(/\\(.)|_.|\*./g, "$1").split(";");
  const code = value < 0 && negative !== undefined ? negative : usual;
  const bare = code.replaceAll(/"[^"]*"|\[[^\]]*\]/g, "");
  if (/[ymdhs]/i.test(bare) && !/[#0]/.test(bare)) return dateText(value, bare);
  const [whole] = /[#0?][#0?,]*(\.[#0?]+)?/.exec(bare) ?? [];
  if (whole === undefined) return generalText(value);
  const isPercent = bare.includes("%");
  const digits = whole.split(".")[1]?.length ?? 0;
  const number = Math.abs(isPercent ? value * 100 : value).toLocaleString("en", {
    minimumFractionDigits: whole.split(".")[1]?.replaceAll("#", "").length ?? 0,
    maximumFractionDigits: Math.min(digits, 20),
    useGrouping: whole.includes(","),
  });
  const [before = "", after = ""] = code.split(whole);
  const sign = value < 0 && negative === undefined ? "-" : "";
  return `${sign}${letters(before)}${number}${letters(after)}`;
}

/** As many digits as help: 0.1 + 0.2 is 0.3 */
function generalText(value) {
  return String(Number(value.toPrecision(11)));
}

function letters(code) {
  return code
    .replaceAll(/\[\$([^\]-]*)[^\]]*\]/g, "$1")
    .replaceAll(/\[[^\]]*\]/g, "")
    .replaceAll('"', "");
}

function dateText(days, code) {
  const moment = new Date(zeroMs + Math.round(days * msOfDay));
  if (Number.isNaN(moment.getTime())) return generalText(days);
  const [date, time] = moment.toISOString().split("T");
  const hasDate = /[yd]/i.test(code);
  const hasTime = /[hs]/i.test(code);
  if (hasDate && hasTime) return `${date} ${time.slice(0, 5)}`;
  return hasTime ? time.slice(0, 5) : date;
}
