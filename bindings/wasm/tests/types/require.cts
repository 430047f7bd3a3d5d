// CommonJS sees the same types, of the files that `require` gives.
import blindtally = require("blindtally");

const loaded: Promise<void> = blindtally.init();
blindtally.initSync();
// @ts-expect-error a number is no source
void blindtally.init(7);
