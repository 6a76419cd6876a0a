import type { Request } from "express";
import type { Reader } from "../documents/reopenDocument.ts";
import { isFromPhone } from "../http/phone.ts";
import { editorLanguage } from "../words/language.ts";

/** Who opens the page around an editor, as their browser tells. */
export function readerOf(request: Pick<Request, "get">): Reader {
  const spoken = request.get("Accept-Language");
  return {
    isPhone: isFromPhone(request),
    language: spoken === undefined ? undefined : editorLanguage(undefined, undefined, spoken),
  };
}
