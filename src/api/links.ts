import { logFacts } from "../http/requestLog.ts";
import { type LinkOption, optionsInApi, optionsInRow, tickedByApi, tickedIn } from "../links/linkOptions.ts";
import { type EditLink, linkEnd } from "../links/links.ts";
import {
  answerVisitor,
  changeLink,
  type LinkWishes,
  linkOf,
  makeLink,
  releaseLocks,
  revokeLink,
} from "../links/manageLinks.ts";
import { type AnswerToVisitor, timeOf, type VisitorRight } from "../links/visitorRights.ts";
import { Breath } from "../model/breath.ts";
import { BridgeError } from "../model/failure.ts";
import type { Mistake } from "./mistakes.ts";
import { driveTokens } from "./portalAuth.ts";
import { type ApiCall, type ApiRoute, apiRoute } from "./route.ts";
import { isoTime, listedAtMost } from "./schemas/fields.ts";
import {
  accessAnswerSchema,
  accessRequestListSchema,
  accessRequestSchema,
  type LinkAnswer,
  type LinkChangesRequest,
  linkChangesSchema,
  linkListSchema,
  linkRequestSchema,
  linkSchema,
  madeLinkSchema,
} from "./schemas/links.ts";

type Needs = Parameters<typeof makeLink>[0] & Parameters<typeof answerVisitor>[0];

const tag = "links";

/** `/api/links`: a portal sees and changes only the links it created. */
export function linkRoutes(services: Needs): readonly ApiRoute[] {
  const makerOf = ({ portal }: ApiCall<unknown>): string => `portal:${portal}`;
  return [
    apiRoute({
      method: "post",
      path: "/links",
      operationId: "makeLink",
      summary: "Create a link to a file or folder",
      description:
        "A folder's link leads to the documents in it and in its subfolders, by a page that lists them. The link uses the drive account for as long as it exists, so an access token must come with its refresh token.",
      tag,
      headers: ["driveAccount"],
      body: linkRequestSchema,
      mistakes: ({ expires_at }) => mistakesInEnd(expires_at, services.now()),
      answers: madeLinkSchema,
      answer: { status: 201, description: "The link. Only this answer contains its address." },
      failures: ["requestInvalid", "signInNeeded", "fileMissing", "rightMissing", "driveUnreachable", "driveBusy"],
      run: async (call) => {
        const { uri, file_id, permission, ...rest } = call.body;
        const account = await services.drive.account(driveTokens(call.header));
        const target = uri === undefined ? { fileId: file_id ?? "" } : { uri };
        const { link, url, file } = await makeLink(services, account, target, makerOf(call), {
          ...linkWishes(rest, []),
          permission,
        });
        logFacts({ link: link.id, linkIs: "made", file: file.id });
        return { ...(await answerOf(services, link)), url };
      },
    }),
    apiRoute({
      method: "get",
      path: "/links",
      operationId: "listLinks",
      summary: "List the links this portal created",
      description: `The newest ${listedAtMost}. Ended links stay in the list for 30 days.`,
      tag,
      answers: linkListSchema,
      answer: { status: 200, description: "The links" },
      failures: [],
      run: async (call) => {
        const links = (await services.links.madeBy(makerOf(call))).slice(0, listedAtMost);
        const answers: Awaited<ReturnType<typeof answerOf>>[] = [];
        const breath = new Breath();
        for (const link of links) {
          await breath.draw();
          answers.push(await answerOf(services, link));
        }
        return { links: answers };
      },
    }),
    apiRoute({
      method: "get",
      path: "/links/:id",
      operationId: "getLink",
      summary: "Get a link and its visitors",
      tag,
      answers: linkSchema,
      answer: { status: 200, description: "The link" },
      failures: ["linkUnknown"],
      run: async (call) => answerOf(services, await linkOf(services, makerOf(call), call.id)),
    }),
    apiRoute({
      method: "patch",
      path: "/links/:id",
      operationId: "changeLink",
      summary: "Change a link; its address stays the same",
      description:
        "null removes expires_at, password or note; fields that are left out stay unchanged. Open sessions get the new permissions with their next call.",
      tag,
      body: linkChangesSchema,
      mistakes: ({ expires_at }) => mistakesInEnd(expires_at, services.now()),
      answers: linkSchema,
      answer: { status: 200, description: "The changed link" },
      failures: ["requestInvalid", "linkUnknown", "linkEnded"],
      run: async (call) => {
        const before = tickedIn(await linkOf(services, makerOf(call), call.id));
        const link = await changeLink(services, makerOf(call), call.id, linkWishes(call.body, before));
        logFacts({ link: link.id, linkIs: "changed", file: link.fileId });
        if (call.body.permission !== undefined && call.body.permission !== "edit") await releaseLocks(services, link);
        return answerOf(services, link);
      },
    }),
    apiRoute({
      method: "delete",
      path: "/links/:id",
      operationId: "revokeLink",
      summary: "Revoke a link",
      description: "Sessions opened through it end with their next call. Revoking a link twice also returns 204.",
      tag,
      answer: { status: 204, description: "The link no longer works" },
      failures: ["linkUnknown"],
      run: async (call) => {
        const link = await revokeLink(services, makerOf(call), call.id);
        logFacts({ link: link.id, linkIs: "revoked", file: link.fileId });
        await releaseLocks(services, link);
        return undefined;
      },
    }),
    apiRoute({
      method: "get",
      path: "/links/:id/requests",
      operationId: "listAccessRequests",
      summary: "List the visitors of a link who asked to edit",
      description: "Also after they were answered. A webhook tells of new ones: accessAsked.",
      tag,
      answers: accessRequestListSchema,
      answer: { status: 200, description: "The requests" },
      failures: ["linkUnknown"],
      run: async (call) => {
        const link = await linkOf(services, makerOf(call), call.id);
        return { requests: (await services.visitorRights.of(link)).map(accessRequest) };
      },
    }),
    apiRoute({
      method: "post",
      path: "/links/:id/requests/:person_id",
      operationId: "answerAccessRequest",
      summary: "Let a visitor who asked edit, or refuse it",
      description:
        "As the owner does on My links. A refused request can still be allowed. The same answer again changes nothing and returns 200.",
      tag,
      body: accessAnswerSchema,
      answers: accessRequestSchema,
      answer: { status: 200, description: "The request as it is now" },
      failures: ["requestInvalid", "linkUnknown", "linkEnded", "accessNotAsked", "accessAnswered"],
      run: async (call) => {
        const link = await linkOf(services, makerOf(call), call.id);
        const request = (await services.visitorRights.of(link)).find(({ person }) => person.id === call.personId);
        if (request === undefined) throw new BridgeError({ kind: "accessNotAsked" });
        const { answer, leadsTo } = answers[call.body.answer];
        if (request.state === leadsTo) return accessRequest(request);
        const seen = { personId: call.personId, answer, seenAtMs: timeOf(request) };
        const answered = await answerVisitor(services, link, seen, makerOf(call));
        if (answered === undefined) throw new BridgeError({ kind: "accessAnswered", state: states[request.state] });
        logFacts({ link: link.id, file: link.fileId });
        return accessRequest(answered);
      },
    }),
  ];
}

const states = { asked: "asked", granted: "allowed", refused: "refused", takenBack: "ended" } as const;

const answers = {
  allow: { answer: "grant", leadsTo: "granted" },
  refuse: { answer: "refuse", leadsTo: "refused" },
  take_back: { answer: "takeBack", leadsTo: "takenBack" },
} as const satisfies Record<string, { answer: AnswerToVisitor; leadsTo: VisitorRight["state"] }>;

function accessRequest({ person, state, askedAtMs, answeredAtMs }: VisitorRight) {
  return {
    person: { id: person.id, name: person.name },
    state: states[state],
    asked_at: isoTime(askedAtMs),
    answered_at: answeredAtMs === undefined ? null : isoTime(answeredAtMs),
  };
}

/** Told together with all other mistakes. */
function mistakesInEnd(expiresAt: unknown, nowMs: number): readonly Mistake[] {
  const hasPassed = typeof expiresAt === "string" && Date.parse(expiresAt) <= nowMs;
  return hasPassed ? [{ field: "expires_at", message: "must be in the future" }] : [];
}

async function answerOf({ links, now }: Needs, link: EditLink): Promise<LinkAnswer> {
  const end = linkEnd(link, now());
  const guesses = await links.guesses(link.id);
  return {
    id: link.id,
    file: { id: link.fileId, name: link.fileName },
    is_folder: link.folder === true,
    permission: link.permission,
    expires_at: link.expiresAtMs === undefined ? null : isoTime(link.expiresAtMs),
    has_password: link.passwordHash !== undefined,
    note: link.note ?? null,
    ask_name: link.asksName,
    options: optionsInApi(tickedIn(link)),
    created_at: isoTime(link.createdAtMs),
    ended: end === undefined ? null : { because: end.because, at: isoTime(end.atMs) },
    activity: (await links.visits(link.id)).map(({ person, openedAtMs, savedAtMs }) => ({
      person: { id: person.id, name: person.name },
      opened_at: isoTime(openedAtMs),
      saved_at: savedAtMs === undefined ? null : isoTime(savedAtMs),
    })),
    wrong_passwords: guesses === undefined ? null : { count: guesses.count, last_at: isoTime(guesses.lastAtMs) },
  };
}

function linkWishes(body: LinkChangesRequest, before: readonly LinkOption[]): LinkWishes {
  const { permission, expires_at, password, note, ask_name, options } = body;
  return {
    ...(permission === undefined ? {} : { permission }),
    ...(expires_at === undefined ? {} : { expiresAtMs: expires_at === null ? null : Date.parse(expires_at) }),
    ...(password === undefined ? {} : { password }),
    ...(note === undefined ? {} : { note: note === "" ? null : note }),
    ...(ask_name === undefined ? {} : { asksName: ask_name }),
    ...(options === undefined ? {} : optionsInRow(tickedByApi(options, before))),
  };
}
