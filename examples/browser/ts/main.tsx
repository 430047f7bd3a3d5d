/** The dashboard's start. */
import { render } from "preact";
import { App } from "./app.tsx";
import { start } from "./stage.ts";
import "./style/base.css";
import "./style/report.css";

render(<App />, document.getElementById("app")!);
await start();
