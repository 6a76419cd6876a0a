import { z } from "zod";

const envelopeSchema = z.object({ code: z.number(), msg: z.string().optional(), data: z.unknown().optional() });
const tokenSchema = z.object({
  token: z.object({ access_token: z.string(), access_expires: z.string() }),
});
const listSchema = z.object({
  files: z.array(
    z.object({ type: z.number(), id: z.string(), name: z.string(), size: z.number(), updated_at: z.string() }),
  ),
});

interface DemoDocument {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly updatedAt: string;
}

/** The drive as the portal knows it: which documents there are, and a first set of them. */
export interface DemoDrive {
  list(): Promise<DemoDocument[]>;
  put(name: string, content: string | Buffer): Promise<void>;
}

/** @throws Error when the drive refuses the account */
export async function openDemoDrive(driveUrl: string, email: string, password: string): Promise<DemoDrive> {
  let token = { access_token: "", access_expires: "1970-01-01T00:00:00Z" };

  const call = async (path: string, init: RequestInit): Promise<unknown> => {
    const answered = await fetch(`${driveUrl}/api/v4${path}`, init);
    const envelope = envelopeSchema.parse(await answered.json());
    if (envelope.code !== 0) throw new Error(`The drive says: ${envelope.msg ?? envelope.code}`);
    return envelope.data;
  };
  const authorised = async (): Promise<Record<string, string>> => {
    if (Date.parse(token.access_expires) - Date.now() < 60_000) {
      const body = JSON.stringify({ email, password });
      const headers = { "Content-Type": "application/json" };
      token = tokenSchema.parse(await call("/session/token", { method: "POST", headers, body })).token;
    }
    return { Authorization: `Bearer ${token.access_token}` };
  };

  const drive: DemoDrive = {
    list: async () => {
      const query = new URLSearchParams({ uri: "cloudreve://my", page_size: "100" });
      const data = listSchema.parse(await call(`/file?${query}`, { headers: await authorised() }));
      return data.files
        .filter(({ type }) => type === 0)
        .map(({ id, name, size, updated_at }) => ({ id, name, size, updatedAt: updated_at }));
    },
    put: async (name, content) => {
      const query = new URLSearchParams({ uri: `cloudreve://my/${encodeURIComponent(name)}` });
      await call(`/file/content?${query}`, {
        method: "PUT",
        headers: await authorised(),
        body: typeof content === "string" ? Buffer.from(content) : content,
      });
    },
  };
  await drive.list();
  return drive;
}
