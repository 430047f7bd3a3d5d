import * as blindtally from "blindtally";
import { use } from "./use.js";

console.log(JSON.stringify(await use(blindtally)));
