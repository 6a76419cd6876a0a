import { en } from "./en.ts";
import type { Language } from "./language.ts";
import { zhCN } from "./zh-CN.ts";

/** Every sentence that people read, in one language. */
export type Words = {
  readonly [Place in keyof typeof en]: Readonly<Record<keyof (typeof en)[Place], string>>;
};
export type PageWords = Words["pages"];
export type HostPageWords = Words["editorPage"];

/** The sentences of each language. */
export const wordsIn: Readonly<Record<Language, Words>> = { en, "zh-CN": zhCN };
