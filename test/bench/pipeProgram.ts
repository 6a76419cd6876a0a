import { Agent, createServer, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";

// A bare node:http pipe: the least that any process of Node between an editor and the drive can cost.
const [target = ""] = process.argv.slice(2);
const { hostname, port, host } = new URL(target);
const agent = new Agent({ keepAlive: true, maxSockets: 256 });

const server = createServer((request, response) => {
  const onward = send(
    { agent, hostname, port, method: request.method, path: request.url, headers: { ...request.headers, host } },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      pipeline(answer, response, () => undefined);
    },
  );
  onward.once("error", () => response.destroy());
  pipeline(request, onward, () => undefined);
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`);
});
process.once("SIGTERM", () => process.exit(0));
