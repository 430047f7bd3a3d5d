/** A QR code, dark on white whatever the colours of the page. */
import { generate } from "lean-qr";
import { useEffect, useRef } from "preact/hooks";

export function Qr({ bytes, label }: { bytes: Uint8Array; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current) generate(new TextDecoder().decode(bytes)).toCanvas(canvas.current, { on: [0, 0, 0], off: [255, 255, 255] });
  }, [bytes]);
  return <canvas ref={canvas} class="qr" role="img" aria-label={label} />;
}
