import { documentsInUse } from "../documents/documentsInUse.ts";
import { buildVersion } from "../http/buildVersion.ts";
import { type EditLink, linkEnd } from "../links/links.ts";
import { Breath } from "../model/breath.ts";
import { wordRecord } from "../model/record.ts";
import type { Services } from "../services.ts";
import type { AdminFacts } from "./views/adminPage.ts";

type Needs = Parameters<typeof documentsInUse>[0] &
  Pick<Services, "store" | "links" | "spool" | "saveLifetimeMs" | "now" | "lastErrors" | "doctor" | "startedAtMs">;

const shownDocuments = 200;
const shownLinks = 50;
const shownSaves = 200;

/** What an administrator sees of a bridge and of its store. No contents, and of links neither address nor note. */
export async function adminFacts(services: Needs, sought: string): Promise<Omit<AdminFacts, "done">> {
  const { doctor, lastErrors, now, spool, startedAtMs } = services;
  const documents = await documentsInUse(services);
  const waiting = spool.waiting();
  return {
    version: buildVersion,
    startedAtMs,
    documents: documents.slice(0, shownDocuments),
    moreDocuments: Math.max(0, documents.length - shownDocuments),
    saves: waiting.slice(0, shownSaves).map(({ id, facts, receivedAtMs, sizeBytes, isBroken }) => ({
      id,
      fileName: facts?.fileName,
      personName: facts?.personName,
      receivedAtMs,
      endsAtMs: receivedAtMs + services.saveLifetimeMs,
      sizeBytes,
      isBroken,
    })),
    moreSaves: Math.max(0, waiting.length - shownSaves),
    links: await linkFacts(services, sought, now()),
    errors: lastErrors.all(),
    doctor: doctor.state(),
  };
}

async function linkFacts(services: Needs, sought: string, nowMs: number): Promise<AdminFacts["links"]> {
  const counts = { active: 0, expired: 0, revoked: 0 };
  const found: { readonly link: EditLink; readonly state: keyof typeof counts }[] = [];
  for await (const link of allLinks(services)) {
    const state = linkEnd(link, nowMs)?.because ?? "active";
    counts[state] += 1;
    const isFound = [link.fileName, link.owner.name].some((text) => plain(text).includes(plain(sought)));
    // Whoever looks for nothing wants those that still let somebody in.
    if (isFound && (sought !== "" || state === "active")) found.push({ link, state });
  }
  found.sort((a, b) => b.link.createdAtMs - a.link.createdAtMs);
  return { counts, sought, shown: found.slice(0, shownLinks), more: Math.max(0, found.length - shownLinks) };
}

/** Every link in the store, by whomever it was made. */
async function* allLinks({ store, links }: Pick<Services, "store" | "links">): AsyncIterable<EditLink> {
  const breath = new Breath();
  // The list that keeps the accounts behind links signed in: each link is in it once.
  for await (const [, id] of wordRecord(store, "linkAccount").list()) {
    await breath.draw();
    const link = await links.find(id);
    if (link !== undefined) yield link;
  }
}

const plain = (text: string): string => text.normalize("NFC").trim().toLocaleLowerCase();
