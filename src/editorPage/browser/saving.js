// Saves that the page asks the editor for.

const saveTimeoutMs = 30_000;

/** `tell` asks the editor; `changed` follows each request and each answer. */
export function saveRequests({ tell, changed }) {
  let asked;

  const settle = (answer) => {
    if (asked === undefined) return;
    const { resolve, timer } = asked;
    clearTimeout(timer);
    asked = undefined;
    resolve(answer);
    changed();
  };

  return {
    isWaiting: () => asked !== undefined,
    /** Answers whether all is saved, and the editor's reason if not; editors without this command never answer. */
    ask: () => {
      if (asked !== undefined) return asked.promise;
      let resolve;
      const promise = new Promise((resolved) => {
        resolve = resolved;
      });
      const timer = setTimeout(() => settle({ saved: false, reason: "noAnswer" }), saveTimeoutMs);
      asked = { promise, resolve, timer };
      tell("Action_Save", { DontTerminateEdit: true, DontSaveIfUnmodified: true, Notify: true });
      changed();
      return promise;
    },
    /** Takes the Values of an Action_Save_Resp. */
    answered: ({ success, result, errorMsg }) => {
      const saved = success === true || result === "unmodified";
      settle(saved ? { saved } : { saved, reason: typeof errorMsg === "string" ? errorMsg : "" });
    },
  };
}
