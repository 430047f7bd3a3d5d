const blindtally = require("blindtally");
const blobs = require("blindtally/blob");

import("./use.js")
  .then(({ use }) => use({ ...blindtally, ...blobs }))
  .then((outcome) => console.log(JSON.stringify(outcome)));
