// A line of news above the editor, which stays until it is dismissed or replaced.

export interface Notice {
  readonly tone?: "trouble";
  readonly text: string;
  readonly link?: { readonly label: string; readonly href: string };
  readonly button?: { readonly label: string; readonly act: () => void };
}

/** @param dismissLabel of the button that removes the notice, for screen readers */
export function noticeLine(line: HTMLElement, dismissLabel: string) {
  const clear = (): void => line.replaceChildren();

  const button = (label: string, act: () => void): HTMLButtonElement => {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = label;
    element.addEventListener("click", () => {
      clear();
      act();
    });
    return element;
  };

  return {
    clear,
    show: (notice: Notice): void => {
      const text = document.createElement("span");
      text.textContent = notice.text;
      line.className = notice.tone ?? "";
      line.replaceChildren(text);
      if (notice.link !== undefined) {
        const link = document.createElement("a");
        link.href = notice.link.href;
        link.target = "_blank";
        link.rel = "noopener noreferrer";
        link.textContent = notice.link.label;
        line.append(link);
      }
      if (notice.button !== undefined) line.append(button(notice.button.label, notice.button.act));
      const dismiss = button("×", () => undefined);
      dismiss.className = "dismiss";
      dismiss.ariaLabel = dismissLabel;
      line.append(dismiss);
    },
  };
}
