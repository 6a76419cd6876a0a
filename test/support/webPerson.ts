/** Somebody at a browser without scripts: keeps cookies, posts forms, follows nothing by itself. */
export interface WebPerson {
  get(path: string, headers?: Record<string, string>): Promise<WebAnswer>;
  /** Posts a form as a page of the bridge would. */
  post(path: string, fields?: Record<string, string>, headers?: Record<string, string>): Promise<WebAnswer>;
  /** Follows redirects from one answer to the page at their end. */
  follow(answer: WebAnswer): Promise<WebAnswer>;
  readonly cookies: ReadonlyMap<string, string>;
  setCookie(name: string, value: string): void;
}

export interface WebAnswer {
  readonly status: number;
  readonly url: string;
  readonly headers: Headers;
  readonly text: string;
  /** Where a redirect leads, absolute. */
  readonly location: string | undefined;
}

export function webPerson(baseUrl: string): WebPerson {
  const cookies = new Map<string, string>();
  const call = async (address: string, init: RequestInit): Promise<WebAnswer> => {
    const url = new URL(address, baseUrl).href;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answered = await fetch(url, {
      redirect: "manual",
      ...init,
      headers: { ...(cookie === "" ? {} : { Cookie: cookie }), ...init.headers },
    });
    for (const line of answered.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      const name = pair.slice(0, pair.indexOf("="));
      const isEnded = /expires=Thu, 01 Jan 1970/i.test(line);
      if (isEnded) cookies.delete(name);
      else cookies.set(name, pair.slice(pair.indexOf("=") + 1));
    }
    const location = answered.headers.get("Location");
    return {
      status: answered.status,
      url,
      headers: answered.headers,
      text: await answered.text(),
      location: location === null ? undefined : new URL(location, url).href,
    };
  };
  const get: WebPerson["get"] = (path, headers = {}) => call(path, { headers });
  return {
    cookies,
    setCookie: (name, value) => void cookies.set(name, value),
    get,
    post: (path, fields = {}, headers = {}) =>
      call(path, {
        method: "POST",
        headers: { Origin: new URL(baseUrl).origin, ...headers },
        body: new URLSearchParams(fields),
      }),
    follow: async (answer) => {
      let last = answer;
      for (let steps = 0; last.location !== undefined; steps++) {
        if (steps > 10) throw new Error(`redirected for ever: ${last.location}`);
        last = await get(last.location);
      }
      return last;
    },
  };
}

/** The fields of a page's host page form: what an editor would be posted. */
export function editorForm(page: WebAnswer): { actionUrl: string; accessToken: string; expiresAtMs: number } {
  const text = (pattern: RegExp): string => unescaped(pattern.exec(page.text)?.[1] ?? "");
  return {
    actionUrl: text(/<form id="editor-form"[^>]*action="([^"]*)"/),
    accessToken: text(/name="access_token" value="([^"]*)"/),
    expiresAtMs: Number(text(/name="access_token_ttl" value="([^"]*)"/)),
  };
}

function unescaped(text: string): string {
  const characters: Record<string, string> = { "&amp;": "&", "&quot;": '"', "&lt;": "<", "&gt;": ">", "&#39;": "'" };
  return text.replace(/&(amp|quot|lt|gt|#39);/g, (written) => characters[written] ?? written);
}
