// The report of the framework tests in React.
import { useState } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";

function Report({ initial, expose }) {
  const [state, set] = useState(initial);
  expose.set = (next) => flushSync(() => set(next));
  return (
    <section>
      <h1>{state.heading}</h1>
      <p>Used {state.app} for {state.minutes} min, {state.note}</p>
      {state.detail ? <p className="detail">{state.detail}</p> : null}
      <ul>{state.rows.map(({ id, text, title }) => <li key={id} title={title}>{text}</li>)}</ul>
    </section>
  );
}

export function mount(target, initial) {
  const expose = {};
  const root = createRoot(target);
  flushSync(() => root.render(<Report initial={initial} expose={expose} />));
  return { set: (state) => expose.set(state), unmount: () => flushSync(() => root.unmount()) };
}
