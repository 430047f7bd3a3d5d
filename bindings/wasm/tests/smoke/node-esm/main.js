import * as blindtally from "blindtally";
import * as blobs from "blindtally/blob";
import { use } from "./use.js";

console.log(JSON.stringify(await use({ ...blindtally, ...blobs })));
