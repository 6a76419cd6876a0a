import { de } from "./de.ts";
import { en } from "./en.ts";
import { es } from "./es.ts";
import { fr } from "./fr.ts";
import { ja } from "./ja.ts";
import type { Language } from "./language.ts";
import { zhCN } from "./zh-CN.ts";
import { zhTW } from "./zh-TW.ts";

/** Every sentence that people read, in one language. */
export type Words = {
  readonly [Place in keyof typeof en]: Readonly<Record<keyof (typeof en)[Place], string>>;
};
export type PageWords = Words["pages"];
export type HostPageWords = Words["editorPage"];

/** The sentences of each language. */
export const wordsIn: Readonly<Record<Language, Words>> = {
  en,
  de,
  es,
  fr,
  ja,
  "zh-CN": zhCN,
  "zh-TW": zhTW,
};
