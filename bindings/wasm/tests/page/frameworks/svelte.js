// Mounts Report.svelte.
import { flushSync, mount as mountSvelte, unmount } from "svelte";
import Report from "./Report.svelte";

export function mount(target, initial) {
  const expose = {};
  const component = mountSvelte(Report, { target, props: { initial, expose } });
  flushSync();
  return { set: (state) => flushSync(() => expose.set(state)), unmount: () => unmount(component) };
}
