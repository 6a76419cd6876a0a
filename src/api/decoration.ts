import { z } from "zod";
import { languageTag } from "../model/languageTag.ts";
import type { Person } from "../model/person.ts";
import { cleanName, longestName } from "../model/personName.ts";

/** Says of a field that it was ignored or changed, and why. */
export interface Warning {
  readonly field: string;
  readonly message: string;
}

/** How a portal wishes things to look; of any type, as nothing has checked it before. */
interface SentDecoration {
  readonly lang?: unknown;
  readonly theme?: unknown;
  readonly user?: { readonly name?: unknown; readonly email?: unknown; readonly avatar_url?: unknown } | undefined;
}

export interface Decoration {
  readonly language: string | undefined;
  readonly theme: "light" | "dark" | undefined;
  /** Undefined when the portal names nobody. */
  readonly person: Omit<Person, "id"> | undefined;
  readonly warnings: readonly Warning[];
}

const nameless = "Guest";

const languageSchema = z.string().transform(languageTag);
const themeSchema = z
  .string()
  .trim()
  .toLowerCase()
  .pipe(z.enum(["light", "dark"]));
/** Mail servers take no longer address (RFC 5321). */
const emailSchema = z.string().max(254).trim().pipe(z.email());
const avatarSchema = z
  .string()
  .max(4096)
  .pipe(z.url({ protocol: /^https?$/, normalize: true }));

/** What can be used of a portal's decoration. It never keeps a document from opening; `null` counts as left out. */
export function decorationOf({ lang, theme, user }: SentDecoration): Decoration {
  const warnings: Warning[] = [];
  const usable = <Value>(field: string, sent: unknown, schema: z.ZodType<Value>, wanted: string): Value | undefined => {
    if (sent === undefined || sent === null) return undefined;
    const value = schema.safeParse(sent).data;
    if (value === undefined) warnings.push({ field, message: `was ignored: it is not ${wanted}` });
    return value;
  };
  const personOf = ({ name: sent, email: sentEmail, avatar_url }: NonNullable<SentDecoration["user"]>) => {
    const name = cleanName(sent);
    const warning = nameWarning(sent, name);
    if (warning !== undefined) warnings.push({ field: "user.name", message: warning });
    const email = usable("user.email", sentEmail, emailSchema, "an email address");
    const avatarUrl = usable(
      "user.avatar_url",
      avatar_url,
      avatarSchema,
      "an http or https address of at most 4096 characters",
    );
    return {
      ...(name === undefined ? { name: nameless, isNameless: true as const } : { name }),
      ...(email === undefined ? {} : { email }),
      ...(avatarUrl === undefined ? {} : { avatarUrl }),
    };
  };
  return {
    person: user === undefined ? undefined : personOf(user),
    language: usable("lang", lang, languageSchema, "a language tag such as de or zh-CN"),
    theme: usable("theme", theme, themeSchema, "light or dark"),
    warnings,
  };
}

function nameWarning(sent: unknown, name: string | undefined): string | undefined {
  if (sent === undefined || sent === null) return `is missing: the person is called ${nameless}`;
  if (typeof sent !== "string") return `was ignored: it is not text; the person is called ${nameless}`;
  if (name === undefined) return `was ignored: nothing of it can be seen; the person is called ${nameless}`;
  if (name === sent.trim()) return undefined;
  return `was changed to ${JSON.stringify(name)}: at most ${longestName} characters, and none that control or turn text`;
}
