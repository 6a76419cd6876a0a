import { sampleDocument, sampleWorkbook } from "./sampleOffice.ts";

/** What a newcomer finds first, in each account's drive. */
export function sampleOfficeFiles(): Readonly<Record<string, Buffer>> {
  return { "Annual offsite.docx": sampleDocument(), "Annual offsite budget.xlsx": sampleWorkbook() };
}

/** What else there is to try. */
export const sampleTextFiles: Readonly<Record<string, string>> = {
  "Welcome.md": `# Welcome

This document lies in a Cloudreve-compatible drive. The editor around it is a small
WOPI client, and between the two runs the bridge: the same code that serves a real
Cloudreve and Collabora.

- Type something, press Save, and look at the list: size and time have changed.
- Open the document in a second window under another name: both see each other type.
- Stop the sandbox with Ctrl+C and start it again: your text is still here.
`,
  "Meeting notes.txt": "Monday, 9:00\n- budget\n- travel\n- any other business\n",
  "Budget.csv": "item,amount\nrent,1200\ntravel,300\ncoffee,45\n",
  "settings.json": '{\n  "language": "en",\n  "notify": true\n}\n',
  "Notice.html": "<h1>Notice</h1>\n<p>The kitchen is closed on Friday.</p>\n",
  "报告 Größe.txt": "Names may hold any script: 报告, Größe, emoji 🎉.\n",
};
