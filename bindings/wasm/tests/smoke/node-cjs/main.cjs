const blindtally = require("blindtally");

import("./use.js")
  .then(({ use }) => use(blindtally))
  .then((outcome) => console.log(JSON.stringify(outcome)));
