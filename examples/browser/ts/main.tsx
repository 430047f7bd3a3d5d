/** The dashboard's start. */
import { render } from "preact";
import { startOwners } from "./keys.ts";

const owners = await startOwners();
render(<main><h1>Blindtally</h1><p>{typeof owners}</p></main>, document.getElementById("app")!);
