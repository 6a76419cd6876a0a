import { type Request, type Response, Router, urlencoded } from "express";
import { z } from "zod";
import type { Comment } from "../documents/comments.ts";
import { logFacts } from "../http/requestLog.ts";
import { type LinkTarget, linkTarget } from "../links/folderLink.ts";
import { type LinkOption, linkOptions, optionNames, optionsInRow } from "../links/linkOptions.ts";
import { type EditLink, linkEnd } from "../links/links.ts";
import {
  addressOf,
  answerVisitor,
  changeLink,
  linkOf,
  makeLink,
  releaseLocks,
  revokeLink,
} from "../links/manageLinks.ts";
import { type DocumentRight, documentRights, openedWith } from "../model/documentRight.ts";
import type { Services } from "../services.ts";
import { cameTo, currentName, hasSignInEnded, listAsked, listOf, listQuery } from "./linkList.ts";
import { mailFactsOf, requestMailsOf } from "./linkMail.ts";
import { fileIdIn, requireOwnOrigin } from "./ownOrigin.ts";
import { type Caller, forPerson, type PageNeeds, pageContext, sendPage } from "./pageAnswer.ts";
import { withPresence } from "./versions.ts";
import type { ListedCopy } from "./views/copyRows.ts";
import {
  expiryChoices,
  type LinkFormFacts,
  type LinkFormValues,
  linkFormLimits,
  linkFormPage,
} from "./views/linkFormPage.ts";
import { type LinkFacts, linkPage } from "./views/linkPage.ts";
import { linksPage } from "./views/linksPage.ts";
import { messagePage } from "./views/messagePage.ts";

type Needs = PageNeeds &
  Parameters<typeof makeLink>[0] &
  Parameters<typeof releaseLocks>[0] &
  Parameters<typeof mailFactsOf>[0] &
  Pick<Services, "activity" | "note" | "versionRecord" | "visitorRights">;

const dayMs = 24 * 3_600_000;
const checkbox = z.string().optional();
const text = z.string().trim().optional().default("");

/** Days; empty = never; `keep` = unchanged. */
const expiry = z.enum([...expiryChoices, "keep"]);

/** The fields of the form that makes or changes a link. */
const linkForm = z.object({
  permission: z.enum(documentRights),
  expires_in: expiry.optional().default(""),
  password: text.pipe(z.string().max(linkFormLimits.password)),
  remove_password: checkbox,
  // Browsers count a line break as one character but send two.
  note: text.transform((note) => note.replaceAll("\r\n", "\n")).pipe(z.string().max(linkFormLimits.note)),
  ask_name: checkbox,
  ...Object.fromEntries(optionNames.map((name) => [linkOptions[name].field, checkbox])),
});

const accessForm = z
  .object({
    person: z.string().max(64),
    answer: z.enum(["grant", "refuse", "takeBack"]),
    seen: z.coerce.number(),
  })
  .transform(({ person, answer, seen }) => ({ personId: person, answer, seenAtMs: seen }));

/** `/share`, `/links`: owners create, list, change and revoke links. */
export function linkPagesRouter(services: Needs): Router {
  const router = Router();
  const form = [requireOwnOrigin(services.bridgeUrl), urlencoded({ extended: false, limit: "16kb" })];

  const makerOf = (person: Caller): string => `person:${person.id}`;
  const linkAsked = (person: Caller, request: Request): Promise<EditLink> =>
    linkOf(services, makerOf(person), String(request.params["id"]));

  router.get(
    "/share",
    forPerson(services, async (person, request, response) => {
      const target = await linkTarget(services, person.account, { fileId: fileIdIn(request.query["file_id"]) });
      await showForm(person, request, response, 200, target);
    }),
  );

  router.post(
    "/share",
    ...form,
    forPerson(services, async (person, request, response) => {
      const id = fileIdIn(request.body?.file_id);
      const sent = linkForm.safeParse(request.body);
      if (!sent.success) {
        const target = await linkTarget(services, person.account, { fileId: id });
        await showForm(person, request, response, 422, { ...target, error: formError(sent.error) });
        return;
      }
      const account = await services.drive.accountNamed(person.account);
      if (account.endsAtMs !== undefined) {
        sendPage(response, 409, messagePage(await pageContext(services, request, person), { kind: "signInShort" }));
        return;
      }
      const wishes = wishesOf(sent.data, services.now());
      const { link, file } = await makeLink(services, account, { fileId: id }, makerOf(person), wishes);
      logFacts({ link: link.id, file: file.id, person: person.id });
      // A reload of the page that follows must not make another.
      response.redirect(303, `${services.bridgeUrl}/links/${link.id}?made=1`);
    }),
  );

  router.get(
    "/links",
    forPerson(services, async (person, request, response) => {
      const list = await listOf(services, person.id, listAsked(request.query));
      const requestMails = await requestMailsOf(services, person, request);
      const page = linksPage(await pageContext(services, request, person), {
        ...list,
        ...(requestMails === undefined ? {} : { requestMails }),
        changed: request.query["changed"] === "1",
        hasChanged: request.query["late"] === "1",
      });
      sendPage(response, 200, page);
    }),
  );

  router.get(
    "/links/:id",
    forPerson(services, async (person, request, response) => {
      const link = await linkAsked(person, request);
      await showLink(person, request, response, link);
    }),
  );

  router.get(
    "/links/:id/change",
    forPerson(services, async (person, request, response) => {
      const link = await linkAsked(person, request);
      await showForm(person, request, response, 200, { ...targetOf(link), link });
    }),
  );

  router.post(
    "/links/:id",
    ...form,
    forPerson(services, async (person, request, response) => {
      const link = await linkAsked(person, request);
      const sent = linkForm.safeParse(request.body);
      if (!sent.success) {
        await showForm(person, request, response, 422, { ...targetOf(link), link, error: formError(sent.error) });
        return;
      }
      await changeLink(services, makerOf(person), link.id, wishesOf(sent.data, services.now()));
      if (sent.data.permission !== "edit") await releaseLocks(services, link);
      logFacts({ link: link.id, person: person.id });
      response.redirect(303, `${services.bridgeUrl}/links/${link.id}?changed=1`);
    }),
  );

  router.post(
    "/links/:id/revoke",
    ...form,
    forPerson(services, async (person, request, response) => {
      const link = await revokeLink(services, makerOf(person), String(request.params["id"]));
      await releaseLocks(services, link);
      logFacts({ link: link.id, person: person.id });
      response.redirect(303, `${services.bridgeUrl}${backTo(request, link)}`);
    }),
  );

  router.post(
    "/links/:id/access",
    ...form,
    forPerson(services, async (person, request, response) => {
      const link = await linkAsked(person, request);
      const sent = accessForm.safeParse(request.body).data;
      const answered = sent && (await answerVisitor(services, link, sent, makerOf(person)));
      logFacts({ link: link.id, person: person.id });
      const result = answered === undefined ? "late=1" : "changed=1";
      response.redirect(303, `${services.bridgeUrl}${backTo(request, link, result)}`);
    }),
  );

  router.post(
    "/links/:id/expiry",
    ...form,
    forPerson(services, async (person, request, response) => {
      const link = await linkAsked(person, request);
      const sent = z.object({ expires_in: expiry.catch("keep") }).parse(request.body ?? {});
      await changeLink(services, makerOf(person), link.id, expiryOf(sent, services.now()));
      logFacts({ link: link.id, person: person.id });
      response.redirect(303, `${services.bridgeUrl}${backTo(request, link)}`);
    }),
  );

  const showForm = async (
    person: Caller,
    request: Request,
    response: Response,
    status: number,
    facts: Pick<LinkFormFacts, "file" | "isFolder" | "link" | "error">,
  ): Promise<void> => {
    const all = await services.links.ownedBy(person.id);
    const others = all.filter(({ id, fileId }) => fileId === facts.file.id && id !== facts.link?.id);
    const path = facts.link === undefined ? `/share?file_id=${facts.file.id}` : `/links/${facts.link.id}/change`;
    const page = linkFormPage(
      { ...(await pageContext(services, request, person)), path },
      {
        ...facts,
        limitedRights: await limitedRightsOf(facts),
        hasNoWatermark: facts.isFolder !== true && services.editors.whyNoWatermark(facts.file.name) !== undefined,
        otherLinks: others.filter((link) => linkEnd(link, services.now()) === undefined).length,
        ...(facts.error === undefined ? {} : { values: sentValues(request.body) }),
      },
    );
    sendPage(response, status, page);
  };

  /** What can be offered between viewing and editing; what the link has already stays to be seen. */
  const limitedRightsOf = async (
    facts: Pick<LinkFormFacts, "file" | "isFolder" | "link">,
  ): Promise<readonly DocumentRight[]> => {
    const fileName = facts.isFolder === true ? undefined : facts.file.name;
    const limited = documentRights.filter((right) => openedWith(right).limitedTo !== undefined);
    const offered = await Promise.all(
      limited.map(async (right) => {
        const { limitedTo } = openedWith(right);
        return facts.link?.permission === right || (limitedTo && (await services.editors.keepTo(limitedTo, fileName)));
      }),
    );
    return limited.filter((_right, at) => offered[at]);
  };

  const showLink = async (person: Caller, request: Request, response: Response, link: EditLink): Promise<void> => {
    const url = await addressOf(services, link);
    const signInEnded = await hasSignInEnded(services, link.account);
    const isOver = signInEnded || linkEnd(link, services.now()) !== undefined;
    const name = isOver ? link.fileName : await currentName(services, link);
    const mail = await mailFactsOf(services, person, request, link);
    const page = linkPage(await pageContext(services, request, person), {
      link: { ...link, fileName: name ?? link.fileName },
      isGone: name === undefined,
      ...endOf(services, link),
      ...(await cameTo(services, link)),
      comments: await commentsThrough(services, link),
      copies: await copiesThrough(services, person, link),
      signInEnded,
      changed: request.query["changed"] === "1",
      hasChanged: request.query["late"] === "1",
      rights: await services.visitorRights.of(link),
      isNew: request.query["made"] === "1",
      ...(url === undefined ? {} : { url }),
      ...(mail === undefined ? {} : { mail }),
    });
    sendPage(response, 200, page);
  };
  return router;
}

/** What a link leads to, by the name that it had when the link was made. */
function targetOf({ fileId, fileName, folder }: EditLink): LinkTarget {
  return { file: { id: fileId, name: fileName }, isFolder: folder === true };
}

async function commentsThrough({ activity }: Needs, { id, fileId }: EditLink): Promise<readonly Comment[]> {
  const { comments = [] } = await activity.of(fileId);
  return comments.filter(({ linkId }) => linkId === id);
}

/** What the drive says of them is left out when it can't be asked: the page is about the link. */
async function copiesThrough(services: Needs, { account }: Caller, { id }: EditLink): Promise<readonly ListedCopy[]> {
  const copies = await services.versionRecord.copiesThrough(id);
  return Promise.all(
    copies.map((copy) => withPresence(services, account, copy).catch(() => ({ ...copy, isGone: false }))),
  );
}

function endOf(services: Needs, link: EditLink): Pick<LinkFacts, "end"> {
  const end = linkEnd(link, services.now());
  return end === undefined ? {} : { end };
}

function wishesOf(sent: z.output<typeof linkForm>, nowMs: number) {
  const password = sent.password !== "" ? { password: sent.password } : sent.remove_password ? { password: null } : {};
  return {
    permission: sent.permission,
    ...expiryOf(sent, nowMs),
    ...password,
    note: sent.note === "" ? null : sent.note,
    asksName: sent.ask_name === "1",
    ...optionsInRow(tickedBoxes(sent)),
  };
}

function expiryOf({ expires_in }: Pick<z.output<typeof linkForm>, "expires_in">, nowMs: number) {
  if (expires_in === "keep") return {};
  return { expiresAtMs: expires_in === "" ? null : nowMs + Number(expires_in) * dayMs };
}

/** Where a change leads: to the place in the list where it was made, otherwise to the link's page. */
function backTo(request: Request, { id }: EditLink, result?: string): string {
  if (request.body?.page === undefined) return `/links/${id}${result === undefined ? "" : `?${result}`}`;
  const query = listQuery(listAsked(request.body));
  return `/links${query}${query === "" ? "?" : "&"}${result ?? "changed=1"}#link-${id}`;
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
    ticked: tickedBoxes(sent),
  };
}

const tickedBoxes = (sent: Readonly<Record<string, unknown>>): LinkOption[] =>
  optionNames.filter((name) => sent[linkOptions[name].field] === "1");
