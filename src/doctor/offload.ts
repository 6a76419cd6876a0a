import { z } from "zod";
import type { Config } from "../config.ts";
import { doctorFileId } from "../wopi/doctorFile.ts";
import { doctorToken } from "./editorCall.ts";
import { type Finding, failed, finding, ok, skipped, type Verdict, warning } from "./finding.ts";
import { type Asked, ask, headerOf, isAnswer, jsonOf } from "./httpProbe.ts";

const ofBridge = z.object({ offload: z.literal(false) });
/** Cloudreve's refusal of an address that it has not signed. */
const ofCloudreve = z.object({ code: z.number().refine((code) => code !== 0), msg: z.string() });

/** Has the bridge hand over what does not exist, as it hands over documents. @returns nothing when it hands over none */
export async function examineOffload(config: Config): Promise<Finding[]> {
  if (config.GETFILE_OFFLOAD === "none") return [];
  const url = config.WOPI_URL ?? config.BRIDGE_URL;
  const token = await doctorToken(config, doctorFileId);
  const query = new URLSearchParams({ access_token: token, offload: "" });
  return [finding("editor", "nginx", judgeOffload(await ask(`${url}/wopi/files/${doctorFileId}?${query}`), url))];
}

/** @param asked what a caller gets in place of the document */
function judgeOffload(asked: Asked, url: string): Verdict {
  const change = "nginx in front of WOPI_URL: take over nginx.conf (or remove GETFILE_OFFLOAD)";
  if (!isAnswer(asked) || asked.status === 401) return skipped("Checked once the bridge answers at the WOPI address.");
  if (headerOf(asked, "x-accel-redirect") !== undefined) {
    return failed(`The proxy at ${url} does not understand X-Accel-Redirect: large documents do not open.`, change);
  }
  const said = jsonOf(asked);
  if (ofCloudreve.safeParse(said).success) return ok(`nginx at ${url} reads documents from Cloudreve.`);
  if (ofBridge.safeParse(said).success) {
    return warning(
      `Documents go through the bridge, as nginx at ${url} does not set X-Offload or does not reach Cloudreve.`,
      change,
    );
  }
  return failed(`What nginx at ${url} reads documents from is not Cloudreve (HTTP ${asked.status}).`, change);
}
