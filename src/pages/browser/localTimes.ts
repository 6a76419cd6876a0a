import { chooseLanguage, ownKind } from "../../words/language.ts";

const locale = ownKind(chooseLanguage([document.documentElement.lang], undefined), navigator.languages);
const timeFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

/** Shows times in the reader's time zone. */
export function localTimes(part: ParentNode): void {
  for (const time of part.querySelectorAll<HTMLTimeElement>("time[datetime]")) {
    time.title = time.textContent;
    time.textContent = timeFormat.format(new Date(time.dateTime));
  }
  // An option holds a text only, and the time somewhere in it.
  for (const option of part.querySelectorAll<HTMLOptionElement>("option[data-time]")) {
    const { time = "", said = "" } = option.dataset;
    option.text = option.text.replace(said, () => timeFormat.format(new Date(time)));
  }
}
