import { type Request, type Response, Router, urlencoded } from "express";
import { z } from "zod";
import { logFacts } from "../http/requestLog.ts";
import { type EditLink, linkEnd } from "../links/links.ts";
import { changeLink, type LinkParts, linkOf, makeLink, revokeLink } from "../links/manageLinks.ts";
import { Breath } from "../model/breath.ts";
import type { DriveAccounts, DriveFolders } from "../model/drive.ts";
import { failureOf } from "../model/failure.ts";
import { fileIdIn, requireOwnOrigin } from "./ownOrigin.ts";
import { type Caller, forPerson, type PageParts, pageContext, sendPage } from "./pageAnswer.ts";
import {
  expiryChoices,
  type LinkFormFacts,
  type LinkFormValues,
  linkFormLimits,
  linkFormPage,
} from "./views/linkFormPage.ts";
import { linkMadePage } from "./views/linkMadePage.ts";
import { type LinkFacts, linkPage } from "./views/linkPage.ts";
import { type ListedLink, linksPage } from "./views/linksPage.ts";
import { messagePage } from "./views/messagePage.ts";

export interface LinkPagesParts extends PageParts, LinkParts {
  readonly drive: DriveAccounts & DriveFolders;
  /** Gives back the lock of a file that only ended sessions still hold. */
  readonly sessionsEnded: (fileId: string) => Promise<void>;
}

const dayMs = 24 * 3_600_000;
const checkbox = z.string().optional();
const text = z.string().trim().optional().default("");

/** The fields of the form that makes or changes a link. */
const linkForm = z.object({
  permission: z.enum(["view", "edit"]),
  /** Days; empty = never; `keep` = unchanged. */
  expires_in: z
    .enum([...expiryChoices, "keep"])
    .optional()
    .default(""),
  password: text.pipe(z.string().max(linkFormLimits.password)),
  remove_password: checkbox,
  // Browsers count a line break as one character but send two.
  note: text.transform((note) => note.replaceAll("\r\n", "\n")).pipe(z.string().max(linkFormLimits.note)),
  ask_name: checkbox,
  may_rename: checkbox,
  no_download: checkbox,
  no_print: checkbox,
  no_copy: checkbox,
  watermark: checkbox,
});

/** `/share`, `/links`: an owner makes, lists, changes and revokes editing links. */
export function linkPagesRouter(parts: LinkPagesParts): Router {
  const router = Router();
  const form = [requireOwnOrigin(parts.bridgeUrl), urlencoded({ extended: false, limit: "16kb" })];

  const makerOf = (person: Caller): string => `person:${person.id}`;
  const linkAsked = (person: Caller, request: Request): Promise<EditLink> =>
    linkOf(parts, makerOf(person), String(request.params["id"]));

  router.get(
    "/share",
    forPerson(parts, async (person, request, response) => {
      const file = await parts.drive.find(person.account, { fileId: fileIdIn(request.query["file_id"]) });
      await showForm(person, request, response, 200, { file });
    }),
  );

  router.post(
    "/share",
    ...form,
    forPerson(parts, async (person, request, response) => {
      const id = fileIdIn(request.body?.file_id);
      const sent = linkForm.safeParse(request.body);
      if (!sent.success) {
        const file = await parts.drive.find(person.account, { fileId: id });
        await showForm(person, request, response, 422, { file, error: formError(sent.error) });
        return;
      }
      const account = await parts.drive.accountNamed(person.account);
      if (account.endsAtMs !== undefined) {
        sendPage(response, 409, messagePage(await pageContext(parts, request, person), { kind: "signInShort" }));
        return;
      }
      const wishes = wishesOf(sent.data, parts.now());
      const { link, url, file } = await makeLink(parts, account, { fileId: id }, makerOf(person), wishes);
      logFacts({ link: link.id, file: file.id, person: person.id });
      sendPage(response, 201, linkMadePage(await pageContext(parts, request, person), { file, link, url }));
    }),
  );

  router.get(
    "/links",
    forPerson(parts, async (person, request, response) => {
      const links = await parts.links.madeBy(makerOf(person));
      const rows: ListedLink[] = [];
      const breath = new Breath();
      for (const link of links) {
        await breath.draw();
        rows.push({ link, ...(await cameTo(parts, link)), ...endOf(parts, link) });
      }
      sendPage(response, 200, linksPage(await pageContext(parts, request, person), { links: rows }));
    }),
  );

  router.get(
    "/links/:id",
    forPerson(parts, async (person, request, response) => {
      const link = await linkAsked(person, request);
      await showLink(person, request, response, link, request.query["changed"] === "1");
    }),
  );

  router.get(
    "/links/:id/change",
    forPerson(parts, async (person, request, response) => {
      const link = await linkAsked(person, request);
      await showForm(person, request, response, 200, { file: { id: link.fileId, name: link.fileName }, link });
    }),
  );

  router.post(
    "/links/:id",
    ...form,
    forPerson(parts, async (person, request, response) => {
      const link = await linkAsked(person, request);
      const sent = linkForm.safeParse(request.body);
      if (!sent.success) {
        const file = { id: link.fileId, name: link.fileName };
        await showForm(person, request, response, 422, { file, link, error: formError(sent.error) });
        return;
      }
      await changeLink(parts, makerOf(person), link.id, wishesOf(sent.data, parts.now()));
      if (sent.data.permission === "view") await parts.sessionsEnded(link.fileId);
      logFacts({ link: link.id, person: person.id });
      response.redirect(303, `${parts.bridgeUrl}/links/${link.id}?changed=1`);
    }),
  );

  router.post(
    "/links/:id/revoke",
    ...form,
    forPerson(parts, async (person, request, response) => {
      const link = await revokeLink(parts, makerOf(person), String(request.params["id"]));
      await parts.sessionsEnded(link.fileId);
      logFacts({ link: link.id, person: person.id });
      response.redirect(303, `${parts.bridgeUrl}/links/${link.id}`);
    }),
  );

  const showForm = async (
    person: Caller,
    request: Request,
    response: Response,
    status: number,
    facts: Pick<LinkFormFacts, "file" | "link" | "error">,
  ): Promise<void> => {
    const all = await parts.links.madeBy(makerOf(person));
    const others = all.filter(({ id, fileId }) => fileId === facts.file.id && id !== facts.link?.id);
    const path = facts.link === undefined ? `/share?file_id=${facts.file.id}` : `/links/${facts.link.id}/change`;
    const page = linkFormPage(
      { ...(await pageContext(parts, request, person)), path },
      {
        ...facts,
        otherLinks: others.filter((link) => linkEnd(link, parts.now()) === undefined).length,
        ...(facts.error === undefined ? {} : { values: sentValues(request.body) }),
      },
    );
    sendPage(response, status, page);
  };

  const showLink = async (
    person: Caller,
    request: Request,
    response: Response,
    link: EditLink,
    changed: boolean,
  ): Promise<void> => {
    const page = linkPage(await pageContext(parts, request, person), {
      link,
      ...endOf(parts, link),
      ...(await cameTo(parts, link)),
      signInEnded: await hasSignInEnded(parts, link),
      changed,
    });
    sendPage(response, 200, page);
  };
  return router;
}

/** Who came through a link, and who tried to. */
async function cameTo({ links }: LinkPagesParts, { id }: EditLink): Promise<Pick<LinkFacts, "visits" | "guesses">> {
  const guesses = await links.guesses(id);
  return { visits: await links.visits(id), ...(guesses === undefined ? {} : { guesses }) };
}

function endOf(parts: LinkPagesParts, link: EditLink): Pick<LinkFacts, "end"> {
  const end = linkEnd(link, parts.now());
  return end === undefined ? {} : { end };
}

/** Whether the owner must sign in anew before the link opens again. */
async function hasSignInEnded(parts: LinkPagesParts, link: EditLink): Promise<boolean> {
  try {
    await parts.drive.accountNamed(link.account);
    return false;
  } catch (error) {
    if (failureOf(error, "signInNeeded") !== undefined) return true;
    // When the drive is down, the sign-in may still be valid.
    if (failureOf(error, "driveUnreachable") !== undefined) return false;
    throw error;
  }
}

function wishesOf(sent: z.output<typeof linkForm>, nowMs: number) {
  const expiry =
    sent.expires_in === "keep"
      ? {}
      : { expiresAtMs: sent.expires_in === "" ? null : nowMs + Number(sent.expires_in) * dayMs };
  const password = sent.password !== "" ? { password: sent.password } : sent.remove_password ? { password: null } : {};
  return {
    permission: sent.permission,
    ...expiry,
    ...password,
    note: sent.note === "" ? null : sent.note,
    asksName: sent.ask_name === "1",
    mayRename: sent.may_rename === "1",
    restrictions: {
      download: sent.no_download === "1",
      print: sent.no_print === "1",
      copy: sent.no_copy === "1",
      watermark: sent.watermark === "1",
    },
  };
}

function formError(error: z.ZodError): NonNullable<LinkFormFacts["error"]> {
  const field = error.issues[0]?.path[0];
  if (field === "password" || field === "note") return { field, kind: "tooLong" };
  return { field: field === "expires_in" ? field : "permission", kind: "invalid" };
}

/** The form as it was sent, valid or not, to show it again. */
function sentValues(body: unknown): LinkFormValues {
  const sent = z.record(z.string(), z.unknown()).catch({}).parse(body);
  const textOf = (name: string) => (typeof sent[name] === "string" ? sent[name] : "");
  return {
    permission: textOf("permission"),
    expiresIn: textOf("expires_in"),
    removePassword: textOf("remove_password") === "1",
    note: textOf("note"),
    askName: textOf("ask_name") === "1",
    mayRename: textOf("may_rename") === "1",
    noDownload: textOf("no_download") === "1",
    noPrint: textOf("no_print") === "1",
    noCopy: textOf("no_copy") === "1",
    watermark: textOf("watermark") === "1",
  };
}
