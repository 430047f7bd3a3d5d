/** The dashboard's start. */
import { render } from "preact";
import { App } from "./app.tsx";
import { start } from "./stage.ts";
import "./style/base.css";
import "./style/report.css";
import "./style/sealed.css";

const root = document.getElementById("app")!;
// What says so until this script runs.
root.replaceChildren();
render(<App />, root);
await start();
