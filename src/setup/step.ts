/** One thing that setup looks after in Cloudreve's dashboard, once it has looked. */
export type Step<Change> =
  /** Nothing to do. */
  | { readonly is: "found"; readonly sentence: string }
  /** The operator is asked `question` first. */
  | { readonly is: "change"; readonly sentence: string; readonly question: string; readonly change: Change }
  /** Setup can't or must not do it; `how` is what to do instead. */
  | { readonly is: "byHand"; readonly sentence: string; readonly how: string };

export function found(sentence: string): Step<never> {
  return { is: "found", sentence };
}

export function byHand(sentence: string, how: string): Step<never> {
  return { is: "byHand", sentence, how };
}
