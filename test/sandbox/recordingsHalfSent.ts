import { once } from "node:events";
import { connect } from "node:net";
import type { Stage } from "./recordingsStage.ts";

/** A PutFile whose first half the drive has and whose second half it is waiting for. */
export interface HalfSentFile {
  /** @returns the item version of the answer */
  finish(): Promise<string | undefined>;
  /** Cuts the connection; resolves when the drive has noticed. */
  breakOff(): Promise<void>;
}

const noticeDeadlineMs = 5000;

export async function sendHalf(
  stage: Stage,
  tokenStart: string,
  halves: readonly [string, string],
  lock?: string,
): Promise<HalfSentFile> {
  const socket = connect(stage.fake.port, "127.0.0.1");
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString();
  });
  const headers = [
    `POST ${stage.nativePath(tokenStart, "/contents")} HTTP/1.1`,
    "Host: 127.0.0.1",
    "X-WOPI-Override: PUT",
    ...(lock === undefined ? [] : [`X-WOPI-Lock: ${lock}`]),
    `Content-Length: ${halves.join("").length}`,
    // The drive says 100 when its handler has begun, and by then it holds the lock.
    "Expect: 100-continue",
    "Connection: close",
  ];
  socket.write(`${headers.join("\r\n")}\r\n\r\n`);
  await once(socket, "data");
  socket.write(halves[0]);
  return {
    finish: async () => {
      received = "";
      socket.write(halves[1]);
      await once(socket, "close");
      return /^HTTP\/1\.1 200 OK[\s\S]*\r\nX-Wopi-Itemversion: (\w+)\r\n/.exec(received)?.[1];
    },
    breakOff: async () => {
      socket.destroy();
      const deadlineMs = Date.now() + noticeDeadlineMs;
      while ((await stage.native(tokenStart, "LOCK", "probe")).status !== 200) {
        if (Date.now() > deadlineMs) throw new Error("the drive keeps the lock of a broken PutFile");
      }
      await stage.native(tokenStart, "UNLOCK", "probe");
    },
  };
}
