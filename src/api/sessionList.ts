import type { z } from "zod";
import type { Activity } from "../documents/activity.ts";
import { type AccessGrant, rightOf } from "../documents/grants.ts";
import { Breath } from "../model/breath.ts";
import type { Services } from "../services.ts";
import { isoTime, listedAtMost } from "./schemas/fields.ts";
import type { sessionListSchema } from "./schemas/sessions.ts";

type Needs = Pick<Services, "grants" | "activity" | "editorIds">;
type Listed = z.output<typeof sessionListSchema>["sessions"][number];

/** A portal's sessions that have not ended, the newest first. @param fileId of this document only */
export async function sessionsOf(services: Needs, portal: string, fileId?: string): Promise<Listed[]> {
  const grants: AccessGrant[] = [];
  const breath = new Breath();
  for await (const grant of services.grants.ofPortal(portal, fileId)) {
    await breath.draw();
    grants.push(grant);
  }
  grants.sort((a, b) => b.issuedAtMs - a.issuedAtMs);
  const activities = new Map<string, Activity>();
  const sessions: Listed[] = [];
  for (const grant of grants.slice(0, listedAtMost)) {
    await breath.draw();
    const activity = activities.get(grant.document.fileId) ?? (await services.activity.of(grant.document.fileId));
    activities.set(grant.document.fileId, activity);
    sessions.push(listed(services, grant, activity));
  }
  return sessions;
}

function listed({ editorIds }: Needs, grant: AccessGrant, { sessions, lastSave }: Activity): Listed {
  const open = sessions.find(({ grantId }) => grantId === grant.id);
  const { document, fileName, person } = grant;
  return {
    id: grant.id,
    file: { id: document.fileId, name: fileName },
    version: document.version ?? null,
    person: { id: editorIds(grant).userId, name: person.name },
    permission: rightOf(grant),
    created_at: isoTime(grant.issuedAtMs),
    expires_at: isoTime(grant.expiresAtMs),
    open: open === undefined ? null : { opened_at: isoTime(open.openedAtMs), seen_at: isoTime(open.seenAtMs) },
    last_save:
      lastSave === undefined
        ? null
        : {
            at: isoTime(lastSave.atMs),
            person: { id: editorIds({ ...grant, person: lastSave.person }).userId, name: lastSave.person.name },
            version: lastSave.version,
          },
  };
}
