import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { type Call, headerText } from "./call.ts";
import type { EntityRecord } from "./driveState.ts";

interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/**
 * Serves one version as Go's http.ServeContent does: ETag, conditions, one range, several ranges, 416.
 * @param headers what the route adds to every outcome
 */
export async function serveContent(
  call: Call,
  entity: EntityRecord | undefined,
  contentType: string,
  headers: Readonly<Record<string, string>>,
  etag: string,
): Promise<void> {
  const { response } = call;
  const size = entity?.size ?? 0;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader("Etag", etag);
  const refusal = checkConditions(call, etag);
  if (refusal === 304) return void response.writeHead(304).end();
  if (refusal === 412) return void response.writeHead(412, { "Content-Length": "0" }).end();
  const ranges = chooseRanges(call, size, etag);
  if (typeof ranges === "string") return answerUnsatisfiable(call, size, ranges);
  response.setHeader("Accept-Ranges", "bytes");
  const [range, ...more] = ranges;
  if (range && more.length > 0) return serveSeveral(call, entity, contentType, ranges, size);
  response.setHeader("Content-Type", contentType);
  if (range) response.setHeader("Content-Range", contentRange(range, size));
  response.writeHead(range ? 206 : 200, { "Content-Length": String(range?.length ?? size) });
  await sendBytes(call, entity, range ?? { start: 0, length: size });
  response.end();
}

function checkConditions(call: Call, etag: string): 304 | 412 | undefined {
  const ifMatch = headerText(call, "if-match");
  if (ifMatch !== "" && !listsEtag(ifMatch, etag)) return 412;
  const ifNoneMatch = headerText(call, "if-none-match");
  return ifNoneMatch !== "" && listsEtag(ifNoneMatch, etag) ? 304 : undefined;
}

function listsEtag(header: string, etag: string): boolean {
  return header.split(",").some((entry) => ["*", etag, `W/${etag}`].includes(entry.trim()));
}

/** @returns no range for the whole, or the reason of a 416 */
function chooseRanges(call: Call, size: number, etag: string): ByteRange[] | string {
  const header = headerText(call, "range");
  const ifRange = headerText(call, "if-range");
  if (header === "" || (ifRange !== "" && ifRange !== etag)) return [];
  if (!header.startsWith("bytes=")) return "invalid range\n";
  const ranges: ByteRange[] = [];
  for (const part of header.slice("bytes=".length).split(",")) {
    const spec = part.trim();
    if (spec === "") continue;
    const bounds = /^(\d*)-(\d*)$/.exec(spec);
    const [, first = "", last = ""] = bounds ?? [];
    if (!bounds || (first === "" && last === "")) return "invalid range\n";
    const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
    const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
    if (first !== "" && last !== "" && Number(last) < Number(first)) return "invalid range\n";
    if (start < size) ranges.push({ start, length: end - start + 1 });
  }
  if (ranges.length === 0) return size === 0 ? [] : "invalid range: failed to overlap\n";
  const wanted = ranges.reduce((sum, range) => sum + range.length, 0);
  return wanted > size ? [] : ranges;
}

function answerUnsatisfiable(call: Call, size: number, reason: string): void {
  call.response.writeHead(416, {
    ...(reason === "invalid range\n" ? {} : { "Content-Range": `bytes */${size}` }),
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Content-Length": String(reason.length),
  });
  call.response.end(reason);
}

async function serveSeveral(
  call: Call,
  entity: EntityRecord | undefined,
  contentType: string,
  ranges: readonly ByteRange[],
  size: number,
): Promise<void> {
  const boundary = randomBytes(30).toString("hex");
  const heads = ranges.map(
    (range, index) =>
      `${index === 0 ? "" : "\r\n"}--${boundary}\r\nContent-Range: ${contentRange(range, size)}\r\n` +
      `Content-Type: ${contentType}\r\n\r\n`,
  );
  const tail = `\r\n--${boundary}--\r\n`;
  const bodyBytes = ranges.reduce((sum, range) => sum + range.length, 0);
  call.response.writeHead(206, {
    "Content-Type": `multipart/byteranges; boundary=${boundary}`,
    "Content-Length": String(heads.join("").length + bodyBytes + tail.length),
  });
  for (const [index, range] of ranges.entries()) {
    call.response.write(heads[index]);
    await sendBytes(call, entity, range);
  }
  call.response.end(tail);
}

async function sendBytes(call: Call, entity: EntityRecord | undefined, range: ByteRange): Promise<void> {
  if (!entity || range.length === 0 || call.request.method === "HEAD") return;
  const { start, length } = range;
  const source = createReadStream(call.drive.content.path(entity.blob), { start, end: start + length - 1 });
  await pipeline(source, call.response, { end: false });
  // A version recorded longer than it is breaks off here, after fewer bytes than were promised.
  if (source.bytesRead < length) call.response.destroy();
}

function contentRange(range: ByteRange, size: number): string {
  return `bytes ${range.start}-${range.start + range.length - 1}/${size}`;
}
