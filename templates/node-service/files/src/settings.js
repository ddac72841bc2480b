// Settings, all from the environment. The platform sets them from `config/` and `score.yaml`.

export const LEVELS = ["error", "warn", "info", "debug"];

/** A variable that cannot be understood. */
export class InvalidSetting extends Error {}

/** Reads the environment. */
export function read(variables) {
  const level = variables.LOG_LEVEL ?? "info";
  if (!LEVELS.includes(level)) {
    throw new InvalidSetting(`LOG_LEVEL is "${level}", and must be error, warn, info or debug`);
  }
  return {
    port: number(variables, "PORT", "8080", 65535, "a port, 0 to 65535"),
    drain: number(variables, "DRAIN_MS", "500", 20000, "milliseconds, 0 to 20000"),
    greeting: variables.GREETING ?? "hello",
    instance: variables.HOSTNAME ?? "unnamed",
    level,
  };
}

function number(variables, name, otherwise, most, wanted) {
  const value = variables[name] ?? otherwise;
  if (!/^[0-9]{1,9}$/.test(value) || Number(value) > most) {
    throw new InvalidSetting(`${name} is "${value}", and must be ${wanted}`);
  }
  return Number(value);
}
