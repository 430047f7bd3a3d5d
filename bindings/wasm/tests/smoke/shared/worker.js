import * as blindtally from "./package.js";
import { use } from "./use.js";

use(blindtally).then(postMessage, (error) => postMessage(String(error?.stack)));
