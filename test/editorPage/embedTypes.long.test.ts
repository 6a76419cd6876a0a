import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const declarations = fileURLToPath(new URL("../../src/editorPage/browser/embedTypes.d.ts", import.meta.url));

/** What a portal's programmer would be told of these lines, under the project's own strictness. */
function mistakesIn(source: string): string[] {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const read = ts.readConfigFile(`${root}test/tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(read.config, ts.sys, `${root}test`);
  const consumer = `${root}test/host/portalConsumer.ts`;
  const text = `import { openDocument } from "../../src/editorPage/browser/embedTypes.js";\n${source}\nexport {};`;
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.getSourceFile = (name, ...more) =>
    name === consumer ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2023) : getSourceFile(name, ...more);
  host.fileExists = (name) => name === consumer || fileExists(name);
  const program = ts.createProgram([consumer, declarations], { ...options, types: [], skipLibCheck: false }, host);
  const inDeclarations = program.getSourceFile(declarations);
  return [
    ...program.getSemanticDiagnostics(program.getSourceFile(consumer)),
    ...program.getSemanticDiagnostics(inDeclarations),
    ...program.getSyntacticDiagnostics(inDeclarations),
  ].map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

describe("the types of the portal script", () => {
  it("let a portal be written in ten lines", () => {
    expect(
      mistakesIn(`
        declare const session: { id: string; host_page_url: string; file: { name: string; size: number } };
        const opened = openDocument(document.body, {
          session,
          on: {
            saved: ({ at, by }) => document.title = at.slice(0, 10) + by,
            saveFailed: ({ keptIn, copyName }) => document.title = (keptIn ?? "editor") + (copyName ?? ""),
          },
        });
        const off: () => void = opened.on("expired", ({ reason }) => document.title = reason);
        off();
        const outcome = await opened.save();
        if (!outcome.saved) document.title = outcome.reason;
        const closed: boolean = await opened.close();
        opened.frame.hidden = closed;
      `),
    ).toEqual([]);
  });

  it("let a document open in its own tab, where there is nothing to hear", () => {
    const session = "declare const session: Promise<{ host_page_url: string }>;";
    expect(mistakesIn(`${session} await openDocument(null, { ownTab: true, session });`)).toEqual([]);
    expect(mistakesIn(`${session} openDocument(null, { ownTab: true, session, on: {} });`)).toHaveLength(1);
    expect(mistakesIn(`openDocument(null, { hostPageUrl: "" });`)).toHaveLength(1);
  });

  it("refuse an event that does not exist, and a detail that it does not have", () => {
    expect(mistakesIn(`openDocument(document.body, { on: { opened: () => undefined } });`)).toHaveLength(1);
    expect(mistakesIn(`openDocument(document.body, { on: { saved: ({ when }) => when } });`)).toHaveLength(1);
  });
});
