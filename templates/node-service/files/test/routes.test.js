import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";

import { Service, server } from "../src/routes.js";
import { read } from "../src/settings.js";

const lines = [];
const service = new Service(read({ GREETING: "good day", HOSTNAME: "one" }), (_, message, fields) => lines.push([message, fields]));
const listening = server(service);
let url;

before(async () => {
  listening.listen(0, "127.0.0.1");
  await once(listening, "listening");
  url = `http://127.0.0.1:${listening.address().port}`;
});

after(() => {
  listening.close();
  listening.closeAllConnections();
});

async function ask(path, method = "GET") {
  const response = await fetch(url + path, { method });
  return [response.status, await response.json()];
}

test("the first page greets and says who answers", async () => {
  const [status, body] = await ask("/?x=1");
  assert.deepEqual([status, body.greeting, body.instance], [200, "good day", "one"]);
});

test("what is not there, and what cannot be done, is told as JSON", async () => {
  const [status, body] = await ask("/nowhere");
  assert.equal(status, 404);
  assert.match(body.error, /\/nowhere/);
  assert.equal((await ask("/toString"))[0], 404);
  assert.equal((await ask("/", "POST"))[0], 405);
});

test("a service that leaves is alive but not ready", async () => {
  assert.equal((await ask("/readyz"))[0], 200);
  service.leave();
  assert.equal((await ask("/readyz"))[0], 503);
  assert.deepEqual(await ask("/healthz"), [200, { ok: true }]);
});

test("each request is a line of log, and no check is", () => {
  assert.ok(lines.some(([message, fields]) => message === "answered" && fields.path === "/" && fields.status === 200));
  assert.ok(lines.every(([, fields]) => fields.path !== "/readyz" && fields.path !== "/healthz"));
});
