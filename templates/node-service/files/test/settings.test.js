import assert from "node:assert/strict";
import { test } from "node:test";

import { read } from "../src/settings.js";

test("nothing has to be set", () => {
  assert.deepEqual(read({}), { port: 8080, drain: 500, greeting: "hello", instance: "unnamed", level: "info" });
});

test("what is set counts", () => {
  const settings = read({ PORT: "9000", GREETING: "good day", LOG_LEVEL: "debug", DRAIN_MS: "0" });
  assert.deepEqual([settings.port, settings.greeting, settings.level, settings.drain], [9000, "good day", "debug", 0]);
});

for (const [name, value] of [["PORT", "70000"], ["PORT", ""], ["LOG_LEVEL", "loud"], ["DRAIN_MS", "-1"]]) {
  test(`a mistake names the variable, its value and what is wanted: ${name}="${value}"`, () => {
    assert.throws(() => read({ [name]: value }), { message: new RegExp(`^${name} is "${value}", and must be`) });
  });
}
