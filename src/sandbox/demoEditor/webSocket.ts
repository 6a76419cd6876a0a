import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

const handshakeSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const limitBytes = 64 * 1024;
const textFrame = 0x1;
const closeFrame = 0x8;

/**
 * The server's end of a WebSocket, as little of RFC 6455 as short text messages need: no fragments, no extensions.
 * @param onText takes each message; what it answers is sent back one after the other
 */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  onText: (text: string) => Promise<readonly string[]>,
): void {
  const key = request.headers["sec-websocket-key"];
  if (typeof key !== "string") {
    socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    return;
  }
  const accept = createHash("sha1").update(`${key}${handshakeSuffix}`).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let waiting: Buffer = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    if (waiting.length > limitBytes) socket.destroy();
    for (let frame = readFrame(waiting); frame !== undefined; frame = readFrame(waiting)) {
      waiting = waiting.subarray(frame.length);
      if (frame.opcode === closeFrame) socket.end(frameOf(closeFrame, frame.payload));
      else if (frame.opcode === textFrame)
        onText(frame.payload.toString("utf8")).then(
          (answers) => {
            for (const answer of answers) if (socket.writable) socket.write(frameOf(textFrame, Buffer.from(answer)));
          },
          () => socket.destroy(),
        );
    }
  });
}

/** @returns undefined while the frame is not there whole */
function readFrame(bytes: Buffer): { opcode: number; payload: Buffer; length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const opcode = bytes.readUInt8(0) & 0x0f;
  const isMasked = (bytes.readUInt8(1) & 0x80) !== 0;
  const shortLength = bytes.readUInt8(1) & 0x7f;
  const lengthBytes = shortLength === 126 ? 2 : shortLength === 127 ? 8 : 0;
  const maskAt = 2 + lengthBytes;
  if (bytes.length < maskAt + (isMasked ? 4 : 0)) return undefined;
  const payloadLength =
    lengthBytes === 2 ? bytes.readUInt16BE(2) : lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : shortLength;
  const payloadAt = maskAt + (isMasked ? 4 : 0);
  const length = payloadAt + payloadLength;
  if (bytes.length < length) return undefined;
  const mask = isMasked ? bytes.subarray(maskAt, payloadAt) : Buffer.alloc(4);
  const payload = Buffer.from(bytes.subarray(payloadAt, length).map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
  return { opcode, payload, length };
}

function frameOf(opcode: number, payload: Buffer): Buffer {
  const short = payload.length < 126;
  const head = Buffer.alloc(short ? 2 : 4);
  head.writeUInt8(0x80 | opcode, 0);
  head.writeUInt8(short ? payload.length : 126, 1);
  if (!short) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}
