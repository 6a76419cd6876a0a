// Asks for the name of a new file. The editor that wants it does nothing until it is told one.
import { nameFaultInWords } from "../../words/nameFaults.ts";
import type { HostPageWords } from "../../words/words.ts";
import { newFileName, type ProposedName, proposedName } from "./newFileName.ts";
import { part } from "./part.ts";
import { fill } from "./statusLine.ts";

interface DialogParts {
  readonly words: HostPageWords;
  readonly chosen: (name: string) => void;
  /** Called after each end, whether a name was chosen or not: the editor gets the focus back. */
  readonly closed: () => void;
}

export function saveAsDialog({ words, chosen, closed }: DialogParts) {
  const dialog = part("#save-as", HTMLDialogElement);
  const form = part("#save-as-form", HTMLFormElement);
  const title = part("#save-as-title", HTMLHeadingElement);
  const field = part("#save-as-name", HTMLInputElement);
  const suffix = part("#save-as-extension", HTMLSpanElement);
  const error = part("#save-as-error", HTMLParagraphElement);
  let proposed: ProposedName = proposedName("", undefined);

  /** Shows what is wrong with the name, or that nothing is. */
  const check = (): string | undefined => {
    const answer = newFileName(field.value, proposed.extension);
    const text = "fault" in answer ? nameFaultInWords(answer.fault, words) : "";
    if (error.textContent !== text) error.textContent = text;
    field.ariaInvalid = text === "" ? null : "true";
    return "fault" in answer ? undefined : answer.name;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = check();
    if (name === undefined) {
      field.focus();
      return;
    }
    dialog.close();
    chosen(name);
  });
  // A complaint goes away as soon as it is met; none comes while somebody is still typing.
  field.addEventListener("input", () => {
    if (field.ariaInvalid === "true") check();
  });
  part("#save-as-cancel", HTMLButtonElement).addEventListener("click", () => dialog.close());
  // Also after Esc.
  dialog.addEventListener("close", closed);

  return {
    ask: (fileName: string, format: unknown): void => {
      // A second press of the button must not delete what has been typed.
      if (dialog.open) return;
      proposed = proposedName(fileName, format);
      const { stem, extension, isExport } = proposed;
      title.textContent = isExport ? fill(words.exportAs, { format: extension.slice(1).toUpperCase() }) : words.saveAs;
      suffix.textContent = extension;
      field.value = stem;
      field.ariaInvalid = null;
      error.textContent = "";
      dialog.showModal();
      field.select();
    },
    cancel: (): void => dialog.close(),
  };
}
