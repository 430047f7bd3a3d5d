// Prints the token of every value of a file of bindings/vectors/tokens.py, or the code of its refusal.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Agent, BlindtallyError, init } from "../dist/node.js";

await init();
const given = JSON.parse(readFileSync(process.argv[2], "utf8"));
const agent = Agent.restore(Uint8Array.from(Buffer.from(given.state, "hex")));

function result(value) {
  try {
    return agent.tokenize(given.class, value);
  } catch (error) {
    return error;
  }
}

function line(result) {
  if (typeof result === "string") return result;
  if (result instanceof BlindtallyError) return result.code;
  throw result;
}

const lines = given.values.map((value) => line(result(value)));
assert.deepEqual(agent.tokenizeMany(given.class, given.values).map(line), lines, "tokens of many values are others");
process.stdout.write(lines.map((text) => `${text}\n`).join(""));
agent.free();
