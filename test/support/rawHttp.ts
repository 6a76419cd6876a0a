import { connect, type Socket } from "node:net";

/** Bytes on a socket, for what no well-behaved HTTP client sends. */
export interface RawConnection {
  readonly socket: Socket;
  /** What has come back so far. */
  received(): string;
  /** @returns all that came back, once the other side has closed */
  ended(): Promise<string>;
}

export async function rawConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  let text = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk) => {
    text += chunk;
  });
  // A reset is one of the ways in which the other side closes.
  socket.on("error", () => undefined);
  return {
    socket,
    received: () => text,
    ended: async () => {
      if (!socket.closed) await new Promise<void>((resolve) => socket.once("close", () => resolve()));
      return text;
    },
  };
}

/** Sends one request as it is and reads until the other side closes. Header values are bytes (latin1). */
export async function rawRequest(url: string, lines: readonly string[], body = ""): Promise<string> {
  const connection = await rawConnection(url);
  const { pathname, search } = new URL(url);
  const [method = "GET", ...headers] = lines;
  const head = [`${method} ${pathname}${search} HTTP/1.1`, "Host: bridge", "Connection: close", ...headers, "", ""];
  connection.socket.write(Buffer.from(head.join("\r\n") + body, "latin1"));
  return connection.ended();
}

/** Status of a raw answer; 0 when nothing came. */
export function rawStatus(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}
