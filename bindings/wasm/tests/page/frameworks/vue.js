// The report of the framework tests in Vue.
import { createApp, nextTick, shallowRef } from "vue";
import { render } from "./report.vue.html";

export function mount(target, initial) {
  const state = shallowRef(initial);
  const app = createApp({ setup: () => ({ state }), render });
  app.mount(target);
  return {
    set(next) {
      state.value = next;
      return nextTick();
    },
    unmount: () => app.unmount(),
  };
}
