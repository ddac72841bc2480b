// One JSON object a line, on standard output.

import { LEVELS } from "./settings.js";

/** What writes lines that are at least so grave. */
export function logger(level, write = (line) => process.stdout.write(line)) {
  return (grave, message, fields = {}) => {
    if (LEVELS.indexOf(grave) <= LEVELS.indexOf(level)) {
      const line = { timestamp: new Date().toISOString(), level: grave.toUpperCase(), message, ...fields };
      write(`${JSON.stringify(line)}\n`);
    }
  };
}
