import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import type { AddressInfo } from "node:net";

interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

/** @returns true when it takes the request over, also by never answering */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

/** Stands between the bridge and the drive: sees every request, and plays the faults of networks and storages. */
export interface DriveProxy {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** Set to take requests over; undefined hands everything on. */
  intercept: Intercept | undefined;
  close(): Promise<void>;
}

export async function driveProxy(driveUrl: string): Promise<DriveProxy> {
  const target = new URL(driveUrl);
  const proxy: { intercept: Intercept | undefined } = { intercept: undefined };
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    seen.push({ method: request.method ?? "", path: request.url ?? "", headers: request.headers });
    void Promise.resolve(proxy.intercept?.(request, response) ?? false).then((taken) => {
      if (!taken) handOn(target, request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

function handOn(target: URL, request: IncomingMessage, response: ServerResponse): void {
  const { hostname, port, host } = target;
  const onward = send(
    { hostname, port, method: request.method, path: request.url, headers: { ...request.headers, host } },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    },
  );
  onward.on("error", () => response.destroy());
  response.on("close", () => onward.destroy());
  request.pipe(onward);
}
