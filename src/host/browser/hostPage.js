// The page around the editor. Talks to the editor's exact origin and to nobody else.
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const status = document.getElementById("status");
  const frame = document.createElement("iframe");
  frame.name = "editor-frame";
  frame.title = facts.fileName;
  frame.allow = "clipboard-read *; clipboard-write *; fullscreen";
  // Made by script after the form exists, then submitted: a frame restored from history would post to nowhere.
  document.getElementById("frame-holder").append(frame);
  document.getElementById("editor-form").submit();

  let modified = false;
  const tellEditor = (MessageId, Values = {}) => {
    frame.contentWindow.postMessage(JSON.stringify({ MessageId, SendTime: Date.now(), Values }), facts.editorOrigin);
  };

  const answers = {
    App_LoadingStatus: ({ Status }) => {
      tellEditor("Host_PostmessageReady");
      if (Status === "Failed") status.textContent = "The editor could not open the document.";
      else if (Status !== "Initialized") status.textContent = "";
    },
    Doc_ModifiedStatus: ({ Modified }) => {
      modified = Modified === true;
    },
    File_Rename: ({ NewName }) => {
      if (typeof NewName === "string" && NewName !== "") document.title = NewName;
    },
    UI_Close: () => {
      modified = false;
      frame.remove();
      status.textContent = "The document is closed. You can close this page.";
    },
  };

  addEventListener("message", (event) => {
    if (event.origin !== facts.editorOrigin || event.source !== frame.contentWindow) return;
    let message;
    try {
      message = JSON.parse(event.data);
    } catch {
      return;
    }
    const answer = Object.hasOwn(answers, message?.MessageId) ? answers[message.MessageId] : undefined;
    if (answer !== undefined) answer(message.Values ?? {});
  });

  addEventListener("beforeunload", (event) => {
    if (modified) event.preventDefault();
  });
})();
