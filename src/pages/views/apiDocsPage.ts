import { wordsIn } from "../../words/words.ts";
import type { ApiDocument, ApiOperation, ApiSchema } from "../apiDocument.ts";
import { type Html, html } from "../html.ts";
import { type FieldContext, fieldItem, fieldList, nameIn, schemaLink, typeOf } from "./apiFields.ts";
import { layout } from "./layout.ts";
import { joined, nothing } from "./markup.ts";
import type { Page, PageContext } from "./page.ts";

interface Call {
  readonly method: string;
  /** A webhook's event; the portal chooses where it is posted to. */
  readonly event?: string;
  readonly path: string;
  readonly operation: ApiOperation;
}

/** The API for portals, for people. Its texts are the document's and English; ours are in the page's language. */
export function apiDocsPage(context: PageContext, document: ApiDocument): Page {
  const words = wordsIn[context.language].pages;
  const calls = callsOf(document);
  const shared = sharedSchemas(document);
  const fields: FieldContext = {
    required: html`<span lang="${context.language}">${words.docsRequired}</span>`,
    schemas: document.components.schemas,
    shared,
    prose: (text) => prose(text, calls),
  };
  const part = (title: string): Html => html`<h4 lang="${context.language}">${title}</h4>
`;
  const groups = document.tags.map(({ name, description }) => ({
    name,
    description,
    calls: calls.filter(({ operation }) => operation.tags.includes(name)),
  }));
  return layout(context, {
    title: words.docsTitle,
    isWide: true,
    isApiDocs: true,
    main: html`<h1 lang="en">${document.info.title}</h1>
${
  context.language === "en"
    ? nothing
    : html`<p class="lead">${words.docsInEnglish}</p>
`
}<div class="docs">
<nav aria-label="${words.docsCalls}">
${joined(
  groups.map(
    (group) => html`<p lang="en"><a href="#group-${group.name}"><strong>${group.name}</strong></a></p>
<ul lang="en">
${joined(
  group.calls.map(
    ({ method, path, event, operation }) =>
      html`<li><a href="#${operation.operationId}"><b>${method}</b> ${event ?? pathText(path)}<small>${operation.summary}</small></a></li>
`,
  ),
)}</ul>
`,
  ),
)}<p><a href="#objects"><strong>${words.docsObjects}</strong></a></p>
</nav>
<div lang="en">
<p>${fields.prose(document.info.description)}</p>
<ul class="fields">
${joined(
  Object.values(document.components.securitySchemes).map(
    ({ description }) => html`<li><code>Authorization: Bearer YOUR-KEY</code>
<p>${fields.prose(description)}</p></li>
`,
  ),
)}<li><code><a href="${context.bridgeUrl}/openapi.json">${context.bridgeUrl}/openapi.json</a></code>
<p lang="${context.language}">${words.docsOpenApi}</p></li>
</ul>
${joined(
  groups.map(
    (group) => html`<section aria-labelledby="group-${group.name}">
<h2 id="group-${group.name}">${group.name}</h2>
<p>${fields.prose(group.description)}</p>
${joined(group.calls.map((call) => callText(call)))}</section>
`,
  ),
)}<section aria-labelledby="objects">
<h2 id="objects" lang="${context.language}">${words.docsObjects}</h2>
${joined([...shared].map(objectText))}</section>
</div>
</div>`,
  });

  function callText(call: Call): Html {
    const { method, path, event, operation } = call;
    const body = operation.requestBody?.content["application/json"]?.schema;
    const example = exampleOf(document, body);
    return html`<article aria-labelledby="${operation.operationId}">
<h3 id="${operation.operationId}">${operation.summary}</h3>
<p class="address"><code><b>${method}</b> ${event ?? pathText(path)}</code></p>
${
  operation.description === undefined
    ? nothing
    : html`<p>${fields.prose(operation.description)}</p>
`
}${
  operation.parameters.length === 0
    ? nothing
    : html`${part(words.docsParameters)}<ul class="fields">
${joined(
  operation.parameters.map(({ name, in: place, required, description, schema }) =>
    fieldItem(fields, { name, field: schema, isRequired: required === true, place, meaning: description }),
  ),
)}</ul>
`
}${body === undefined ? nothing : html`${part(words.docsBody)}${schemaText(body)}`}${part(words.docsExample)}<pre><code>${
      event === undefined ? curl(document.servers[0].url, call, example) : pretty(example)
    }</code></pre>
${part(words.docsAnswers)}<dl>
${joined(Object.entries(operation.responses).map(([status, answer]) => answerText(status, answer)))}</dl>
</article>
`;
  }

  function answerText(status: string, { description, headers, content }: ApiOperation["responses"][string]): Html {
    const example = exampleOf(document, content["application/json"]?.schema);
    return html`<dt><code>${status}</code></dt>
<dd>${joined(
      description.split("\n").map(
        (line) => html`<p>${refusal(line)}</p>
`,
      ),
    )}${
      Object.keys(headers).length === 0
        ? nothing
        : html`<ul class="fields">
${joined(
  Object.entries(headers).map(([name, header]) =>
    fieldItem(fields, { name, field: header.schema, isRequired: false, place: "header", meaning: header.description }),
  ),
)}</ul>
`
    }${joined(Object.values(content).map(({ schema }) => schemaText(schema)))}${
      example === undefined
        ? nothing
        : html`<details><summary lang="${context.language}">${words.docsExample}</summary>
<pre><code>${pretty(example)}</code></pre></details>
`
    }</dd>
`;
  }

  /** A problem's codes are in the answer's description already. */
  function schemaText(schema: ApiSchema): Html {
    const [first] = schema.allOf ?? [schema];
    const name = first?.$ref === undefined ? undefined : nameIn(first.$ref);
    if (first === undefined) return nothing;
    return name !== undefined && shared.has(name)
      ? html`<p><small>→ ${schemaLink(name)}</small></p>
`
      : fieldList(fields, first);
  }

  function objectText(name: string): Html {
    const schema = document.components.schemas[name] ?? {};
    const [example] = schema.examples ?? [];
    return html`<article aria-labelledby="object-${name}">
<h3 id="object-${name}">${name}</h3>
<p><small>${typeOf(fields, schema)}</small></p>
${
  schema.description === undefined
    ? nothing
    : html`<p>${fields.prose(schema.description)}</p>
`
}${fieldList(fields, schema)}${
  example === undefined
    ? nothing
    : html`${part(words.docsExample)}<pre><code>${pretty(example)}</code></pre>
`
}</article>
`;
  }
}

function callsOf({ paths, webhooks }: ApiDocument): Call[] {
  const each = (calls: ApiDocument["paths"]) =>
    Object.entries(calls).flatMap(([path, byMethod]) =>
      Object.entries(byMethod).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
    );
  return [...each(paths), ...each(webhooks).map((call) => ({ ...call, event: call.path }))];
}

/** Schemas that more than one place points to. */
function sharedSchemas(document: ApiDocument): ReadonlySet<string> {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"[^"]*?(\w+)"/g)].map(([, name = ""]) => name);
  return new Set(
    Object.keys(document.components.schemas).filter((name) => refs.filter((one) => one === name).length > 1),
  );
}

function exampleOf({ components }: ApiDocument, schema: ApiSchema | undefined): unknown {
  const named = schema?.$ref === undefined ? schema : components.schemas[nameIn(schema.$ref)];
  return named?.examples?.[0];
}

/** Parts of a path that the caller fills in stand out. */
function pathText(path: string): Html {
  return joined(path.split(/\{(\w+)\}/).map((part, at) => (at % 2 === 1 ? html`{<var>${part}</var>}` : html`${part}`)));
}

/** Backticks become code, and calls become links to them. */
function prose(text: string, calls: readonly Call[]): Html {
  const pieces = text.split(/(`[^`]+`|\b(?:GET|POST|PUT|PATCH|DELETE) \/[\w/{}]+)/);
  return joined(
    pieces.map((piece, at) => {
      if (at % 2 === 0) return pathText(piece);
      if (piece.startsWith("`")) return html`<code>${pathText(piece.slice(1, -1))}</code>`;
      const known = calls.find(({ method, path }) => piece === `${method} ${path}`);
      return known === undefined
        ? html`<code>${pathText(piece)}</code>`
        : html`<a href="#${known.operation.operationId}"><code>${pathText(piece)}</code></a>`;
    }),
  );
}

/** `code: what it means`, of a failure. */
function refusal(line: string): Html {
  const [, code, meaning] = /^([a-z]+[A-Z]\w*): (.+)$/.exec(line) ?? [];
  return code === undefined || meaning === undefined ? html`${line}` : html`<code>${code}</code> ${meaning}`;
}

/** To be pasted into a POSIX shell. */
function curl(bridgeUrl: string, { method, path, operation }: Call, body: unknown): string {
  const query = operation.parameters
    .filter((one) => one.in === "query" && one.required === true)
    .map(({ name }) => `${name}=${name.toUpperCase()}`)
    .join("&");
  const address = `${bridgeUrl}${path.replace(/\{(\w+)\}/g, (_whole, name: string) => name.toUpperCase())}`;
  return [
    `curl ${method === "GET" ? "" : `-X ${method} `}${quoted(query === "" ? address : `${address}?${query}`)}`,
    "  -H 'Authorization: Bearer YOUR-KEY'",
    ...(body === undefined ? [] : ["  -H 'Content-Type: application/json'", `  -d ${quoted(pretty(body))}`]),
  ].join(" \\\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function pretty(value: unknown): string {
  return value === undefined ? "" : JSON.stringify(value, null, 2);
}
