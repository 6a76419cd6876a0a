// If the page is in English, use the reader's own kind of English; likewise for other languages.
const pageLanguage = document.documentElement.lang;
const [primary] = pageLanguage.split("-");
const locale = navigator.languages.find((tag) => tag.split("-")[0] === primary) ?? pageLanguage;
const timeFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

/** Shows times in the reader's time zone. */
export function localTimes(part: ParentNode): void {
  for (const time of part.querySelectorAll<HTMLTimeElement>("time[datetime]")) {
    time.title = time.textContent;
    time.textContent = timeFormat.format(new Date(time.dateTime));
  }
}
