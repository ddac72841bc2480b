// Starts the service, and stops it without dropping a request.

import { setTimeout as sleep } from "node:timers/promises";

import { logger } from "./logs.js";
import { Service, server } from "./routes.js";
import { InvalidSetting, read } from "./settings.js";

function settings() {
  try {
    return read(process.env);
  } catch (mistake) {
    if (!(mistake instanceof InvalidSetting)) throw mistake;
    process.stderr.write(`error: ${mistake.message}\n`);
    process.exit(1);
  }
}

const chosen = settings();
const log = logger(chosen.level);
const service = new Service(chosen, log);
const listening = server(service);

// The service says that it is not ready and goes on answering for a moment, until nobody sends it new requests; what was
// begun is finished after that.
process.once("SIGTERM", async () => {
  log("info", "stopping");
  service.leave();
  await sleep(chosen.drain);
  listening.close(() => log("info", "stopped"));
  listening.closeIdleConnections();
});
listening.on("error", (error) => {
  log("error", "the service cannot run", { error: error.message });
  process.exitCode = 1;
});
listening.listen(chosen.port, "0.0.0.0", () => log("info", "listening", { port: listening.address().port }));
