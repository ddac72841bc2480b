import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";

function start(environment) {
  return spawn(process.execPath, ["src/main.js"], { env: { ...process.env, ...environment } });
}

test("it answers over the network and ends well when told", async () => {
  const child = start({ PORT: "0", DRAIN_MS: "0" });
  const messages = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line);
    messages.push(said.message);
    if (said.message === "listening") {
      const response = await fetch(`http://127.0.0.1:${said.port}/healthz`, { headers: { connection: "close" } });
      assert.deepEqual(await response.json(), { ok: true });
      child.kill("SIGTERM");
    }
  }
  const [code] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
  assert.deepEqual([code, messages], [0, ["listening", "stopping", "stopped"]]);
});

test("a setting that is wrong ends it with a sentence", async () => {
  const child = start({ PORT: "no" });
  let said = "";
  child.stderr.on("data", (part) => (said += part));
  const [code] = await once(child, "close");
  assert.deepEqual([code, said], [1, 'error: PORT is "no", and must be a port, 0 to 65535\n']);
});
