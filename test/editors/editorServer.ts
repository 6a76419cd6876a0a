import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

/** An editor's server that shows whatever a test wants, and can go away and come back at the same address. */
export interface EditorServer {
  readonly url: string;
  readonly reads: () => number;
  answer: RequestListener;
  /** Shows a document from now on. */
  show(xml: string): void;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function editorServer(xml: string): Promise<EditorServer> {
  let reads = 0;
  let port = 0;
  const http = createServer((request, response) => {
    reads++;
    editor.answer(request, response);
  });
  const start = async () => {
    await once(http.listen(port, "127.0.0.1"), "listening");
    port = (http.address() as AddressInfo).port;
  };
  await start();
  const editor: EditorServer = {
    url: `http://127.0.0.1:${port}/hosting/discovery`,
    reads: () => reads,
    answer: showing(xml),
    show: (next) => {
      editor.answer = showing(next);
    },
    start,
    stop: async () => {
      if (!http.listening) return;
      const closed = once(http, "close");
      http.close();
      http.closeAllConnections();
      await closed;
    },
  };
  return editor;
}

function showing(xml: string): RequestListener {
  return (_request, response) => {
    response.writeHead(200, { "Content-Type": "text/xml", Expires: "Thu, 01 Jan 1970 00:00:00 GMT" }).end(xml);
  };
}

export interface DocumentParts {
  readonly origin?: string;
  readonly keys?: readonly [modulus: string, oldModulus: string];
}

/** A discovery document in Collabora's form. */
export function discoveryXml({ origin = "https://office.example", keys }: DocumentParts = {}): string {
  const cool = `${origin}/browser/e808afa229/cool.html?`;
  const proofKey =
    keys === undefined
      ? ""
      : `<proof-key value="" modulus="${keys[0]}" exponent="AQAB" oldvalue="" oldmodulus="${keys[1]}" oldexponent="AQAB"/>`;
  return `<?xml version="1.0" encoding="utf-8"?>
<wopi-discovery>
  <net-zone name="external-http">
    <app favIconUrl="${origin}/favicon.ico" name="writer">
      <action default="true" ext="docx" name="edit" urlsrc="${cool}"/>
      <action ext="DOCX" name="view" urlsrc="${cool}"/>
    </app>
    <app name="application/vnd.oasis.opendocument.text">
      <action default="true" ext="" name="edit" urlsrc="${cool}"/>
    </app>
    <app name="Capabilities">
      <action ext="" name="getinfo" urlsrc="${origin}/hosting/capabilities"/>
    </app>
  </net-zone>
  ${proofKey}
</wopi-discovery>`;
}
