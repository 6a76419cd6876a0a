import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { FakeViewer } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";
import type { Plan } from "./recordingsReplay.ts";

const recordedPort = "9990";
const extensions = ["docx", "xlsx", "pptx", "odt", "ods", "odp"];
const actions = {
  view: "http://127.0.0.1:9980/browser/dist/cool.html?",
  edit: "http://127.0.0.1:9980/browser/dist/cool.html?",
};

/** The only editor that the recording server knew. */
const knownViewer: FakeViewer = {
  id: "7c2f3f0e-real-wopi-test-viewer",
  type: "wopi",
  display_name: "Test office (WOPI)",
  exts: extensions,
  wopi_actions: Object.fromEntries(extensions.map((extension) => [extension, actions])),
};

/** What `admin-viewers` presupposes: beside the drive, an editor whose discovery document can be imported. */
export const viewerPlan: Plan = {
  caller: "alice",
  callers: { 3: "bob", 7: "bob", 8: "bob" },
  prepare: async (stage) => {
    stage.fake.setViewers([knownViewer]);
    stage.bind(recordedPort, await editorPort());
  },
};

/** @returns the port of a server that ends with the test run */
async function editorPort(): Promise<string> {
  const server = createServer(({ url }, response) => {
    const isDiscovery = url?.endsWith("/hosting/discovery") === true;
    response.end(isDiscovery ? discovery(port()) : "<html>no discovery");
  });
  const port = () => (server.address() as AddressInfo).port;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  return String(port());
}

const discovery = (port: number) => `<?xml version="1.0" encoding="utf-8"?>
<wopi-discovery>
  <net-zone name="external-http">
    <app name="writer" favIconUrl="http://127.0.0.1:${port}/writer.svg">
      <action name="view" ext="docx" urlsrc="http://127.0.0.1:${port}/view?"/>
      <action name="edit" ext="docx" default="true" urlsrc="http://127.0.0.1:${port}/edit?"/>
      <action name="convert" ext="doc" urlsrc="http://127.0.0.1:${port}/convert?"/>
    </app>
    <app name="calc">
      <action name="view" ext="xlsx" urlsrc="http://127.0.0.1:${port}/calc?"/>
      <action name="embedview" ext="xlsx" urlsrc="http://127.0.0.1:${port}/embedded?"/>
    </app>
    <app name="application/pdf">
      <action name="edit" ext="" urlsrc="http://127.0.0.1:${port}/pdf?"/>
    </app>
    <app name="converter">
      <action name="convert" ext="rtf" urlsrc="http://127.0.0.1:${port}/convert?"/>
    </app>
  </net-zone>
  <proof-key value="x" modulus="y" exponent="z"/>
</wopi-discovery>
`;
