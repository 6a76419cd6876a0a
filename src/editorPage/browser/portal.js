// The talk with the portal that frames the page. Its messages: embed.d.ts.

const messageSource = "cloudreve-office-bridge";
/** Events before the portal's greeting wait for it; one that never greets must not fill the memory. */
const queueLimit = 100;

/**
 * `origins`: who may frame the page. `save` and `close` do what the portal asks and answer `{ saved, reason }`; `left`
 * follows the answer to a close that saved.
 */
export function portalTalk({ origins, save, close, left }) {
  const queue = [];
  let portalOrigin;

  const post = (message, origin) => parent.postMessage({ source: messageSource, ...message }, origin);
  const tell = (name, detail) => {
    if (parent === window) return;
    if (portalOrigin !== undefined) post({ type: "event", name, detail }, portalOrigin);
    else if (queue.length < queueLimit) queue.push([name, detail]);
  };

  const requests = {
    hello: (_message, origin) => {
      portalOrigin = origin;
      post({ type: "welcome" }, origin);
      for (const [name, detail] of queue.splice(0)) tell(name, detail);
    },
    save: async ({ id }, origin) => {
      post({ type: "answer", id, ...(await save()) }, origin);
    },
    close: async ({ id }, origin) => {
      const answer = await close();
      post({ type: "answer", id, ...answer }, origin);
      if (answer.saved) left();
    },
  };

  return {
    /** Tells an event to the portal, once it is known which one it is. */
    tell,
    /** Takes a message of the window around the page; who is not listed is not heard. */
    hear: ({ data, origin }) => {
      if (parent === window || !origins.includes(origin) || data?.source !== messageSource) return;
      if (Object.hasOwn(requests, data.type)) requests[data.type](data, origin);
    },
  };
}
