/** Secrets on the screen: shown as text, and never kept in a variable of this page for longer than that. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** Bytes of ASCII as text; wiped when they are no longer shown. */
export function Secret({ bytes, label }: { bytes: Uint8Array; label: string }) {
  useEffect(() => () => void bytes.fill(0), [bytes]);
  return <p><span class="hint">{label}</span><br /><code class="code">{new TextDecoder().decode(bytes)}</code></p>;
}

/** Copies for as long as the person wants; the clipboard is the person's. */
export function Copy({ bytes, label }: { bytes: Uint8Array; label: string }) {
  const said = useSignal("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(new TextDecoder().decode(bytes));
      said.value = "Copied";
    } catch {
      said.value = "The browser does not allow it: select the text and copy it";
    }
  };
  return <><button type="button" onClick={() => void copy()}>{label}</button> <span role="status" class="hint">{said}</span></>;
}
