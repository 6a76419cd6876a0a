const directCharacter = /^[A-Za-z0-9'(),./:? -]$/;
const endsRunAmbiguously = /^[A-Za-z0-9+/-]$/;

/**
 * A name as WOPI name headers carry it: UTF-7 (RFC 2152).
 * Like iconv, which the real editors use, it shifts the optional characters (`&`, `_`, …) too and closes a run with
 * `-` only where the next character could be read as part of it.
 */
export function toUtf7(text: string): string {
  let encoded = "";
  let run = "";
  for (const character of `${text}`.split("")) {
    if (run === "" && character === "+") encoded += "+-";
    else if (directCharacter.test(character)) {
      if (run !== "") encoded += shifted(run) + (endsRunAmbiguously.test(character) ? "-" : "");
      run = "";
      encoded += character;
    } else run += character;
  }
  return run === "" ? encoded : `${encoded}${shifted(run)}-`;
}

function shifted(run: string): string {
  return `+${Buffer.from(run, "utf16le").swap16().toString("base64").replaceAll("=", "")}`;
}
