import type { IncomingMessage, ServerResponse } from "node:http";
import { request as send } from "node:http";

/** One call of the bridge to the drive, on its way through the proxy. */
export interface UpstreamCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly driveUrl: string;
  /** Method, override and path without ids: the same for every try. */
  readonly shape: string;
}

/** Something that goes wrong between the bridge and the drive, or in the drive. */
export interface Fault {
  readonly name: string;
  /** Whether it can happen to this call; a call without a body has none to be cut. */
  readonly fits?: (shape: string) => boolean;
  /** Passes by itself: that it comes again tells nothing. */
  readonly isOver?: boolean;
  /** What it looks like when nothing gets through any more. */
  readonly isOutage?: boolean;
  readonly play: (call: UpstreamCall) => Promise<void>;
}

interface DriveAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Sends the call on as it is. @returns what the drive answered */
export async function handOn({ request, driveUrl }: UpstreamCall): Promise<DriveAnswer> {
  const body = await bodyOf(request);
  const onward = openOnward(request, driveUrl);
  const answering = answerOf(onward);
  onward.end(body);
  return answering;
}

/** Sends the head and half of the body on, then breaks the connection to the drive. */
export async function handOnHalf({ request, driveUrl }: UpstreamCall): Promise<void> {
  const body = await bodyOf(request);
  const onward = openOnward(request, driveUrl);
  onward.on("error", () => undefined);
  await new Promise<void>((resolve) => {
    onward.write(body.subarray(0, Math.ceil(body.length / 2)), () => resolve());
  });
  onward.destroy();
}

/** Gives the drive's answer back whole. */
function passBack({ response }: UpstreamCall, { status, headers, body }: DriveAnswer): void {
  response.writeHead(status, [...headers]);
  response.end(body);
}

export function cut({ response }: UpstreamCall): void {
  response.socket?.resetAndDestroy();
}

/** Half of the answer's body, or of its head when the body is empty; the connection stays. */
export async function passBackHalf({ response }: UpstreamCall, answer: DriveAnswer): Promise<void> {
  const lines = [`HTTP/1.1 ${answer.status} Fine`];
  for (let index = 0; index < answer.headers.length; index += 2) {
    lines.push(`${answer.headers[index]}: ${answer.headers[index + 1]}`);
  }
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  const bytes =
    answer.body.length === 0
      ? head.subarray(0, Math.floor(head.length / 2))
      : Buffer.concat([head, answer.body.subarray(0, Math.floor(answer.body.length / 2))]);
  await new Promise<void>((resolve) => {
    if (response.socket === null) resolve();
    else response.socket.write(bytes, () => resolve());
  });
}

function answerJson({ response }: UpstreamCall, body: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(body));
}

const isNative = (shape: string): boolean => shape.includes("/file/wopi/");

/** The envelope of the API; on the native endpoints what Cloudreve says there in its place. */
function refusal(code: number, msg: string, native: { status: number; headers: Record<string, string> }): Fault {
  return {
    name: `${code} ${msg}`,
    play: async (call) => {
      if (isNative(call.shape))
        call.response.writeHead(native.status, { ...native.headers, "Content-Length": "0" }).end();
      else answerJson(call, { code, msg, ...(code === 40073 ? { data: foreignLock } : {}) });
    },
  };
}

const foreignLock = [
  {
    path: "cloudreve://my/Report.docx",
    token: "5864295e-40c3-4c0c-8a4e-000000000000",
    owner: { application: { type: "upload" } },
    type: 0,
  },
];
const serverError = "X-Wopi-Servererror";

/** Whatever way the bytes go, somebody may cut it; whatever is asked, the drive may say no or nonsense. */
export const faults: readonly Fault[] = [
  { name: "reset before it was handed on", isOutage: true, play: async (call) => cut(call) },
  {
    name: "cut after it was handed on",
    isOutage: true,
    play: async (call) => {
      await handOn(call);
      cut(call);
    },
  },
  {
    name: "cut in the middle of the body",
    fits: (shape) => hasBody(shape),
    play: async (call) => {
      await handOnHalf(call);
      cut(call);
    },
  },
  {
    name: "cut in the middle of the answer",
    play: async (call) => {
      await passBackHalf(call, await handOn(call));
      call.response.socket?.destroy();
    },
  },
  {
    name: "a delay",
    isOver: true,
    play: async (call) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      passBack(call, await handOn(call));
    },
  },
  { name: "HTTP 500", play: async ({ response }) => void response.writeHead(500, { "Content-Length": "0" }).end() },
  {
    name: "HTTP 502 after it was handed on",
    play: async (call) => {
      await handOn(call);
      call.response.writeHead(502, { "Content-Type": "text/html" }).end("<h1>Bad Gateway</h1>");
    },
  },
  refusal(40051, "Insufficient capacity", {
    status: 500,
    headers: { [serverError]: "failed to update file: faield to prepare uplaod: Insufficient capacity" },
  }),
  refusal(40073, "Lock conflict", { status: 409, headers: { "X-Wopi-Lock": "5864295e-40c3-4c0c-8a4e-000000000000" } }),
  refusal(40076, "File is updated during your edit", {
    status: 500,
    headers: { [serverError]: "failed to update file: File is updated during your edit" },
  }),
  refusal(401, "Login required", { status: 403, headers: { [serverError]: "invalid access token" } }),
  {
    name: "HTTP 200 with JSON in place of what was asked for",
    play: async (call) => answerJson(call, { code: 40005, msg: "Object not exist" }),
  },
];

/** Shapes of calls that carry bytes or JSON. */
export function hasBody(shape: string): boolean {
  return /^(PUT|DELETE) |^POST (PUT )?.*(\/contents|\/url|\/create|\/upload|\/token|\/refresh|\/current)/.test(shape);
}

/** @returns `POST LOCK /file/wopi/:id`, `PUT /file/content` … */
export function shapeOf(request: IncomingMessage): string {
  const [path = ""] = (request.url ?? "").split("?", 1);
  const override = request.headers["x-wopi-override"];
  const place = path
    .replace("/api/v4", "")
    .replace(/\/file\/wopi\/[^/]+/, "/file/wopi/:id")
    .replace(/\/file\/upload\/.+/, "/file/upload/:session/:index")
    .replace(/\/file\/content\/.+/, "/file/content/:url");
  return `${request.method} ${override === undefined ? "" : `${override} `}${place}`;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function openOnward(request: IncomingMessage, driveUrl: string) {
  const { hostname, port, host } = new URL(driveUrl);
  const { method, url } = request;
  return send({ hostname, port, method, path: url, headers: { ...request.headers, host }, agent: false });
}

function answerOf(onward: ReturnType<typeof send>): Promise<DriveAnswer> {
  return new Promise((resolve, reject) => {
    onward.on("error", reject);
    onward.on("response", (answer) => {
      bodyOf(answer).then(
        (body) => resolve({ status: answer.statusCode ?? 0, headers: answer.rawHeaders, body }),
        reject,
      );
    });
  });
}
