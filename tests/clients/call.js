// Calls a function of a module beside this one with the JSON on standard input, and prints what it returns as JSON.

"use strict";

const fs = require("node:fs");

// Packages print, too; what they say is not what was returned.
console.log = console.info = console.debug = console.error;

async function main(module, name) {
  const given = JSON.parse(fs.readFileSync(0, "utf8"));
  const returned = await require(`./${module}.js`)[name](given);
  process.stdout.write(JSON.stringify(returned ?? null));
}

main(...process.argv.slice(2)).catch(async (error) => {
  // Some throw the answer itself.
  console.error(error instanceof Response ? await error.text() : error);
  process.exitCode = 1;
});
