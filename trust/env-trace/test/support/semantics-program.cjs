// Does to process.env what it is told, step by step, and says what came of each: as JSON, one line a case. Run plain and traced.
const { readFileSync } = require("node:fs");
const { inspect, isDeepStrictEqual } = require("node:util");
const { MessageChannel, receiveMessageOnPort } = require("node:worker_threads");
const env = process.env;
const symbol = Symbol("s");
const value = (v) =>
  v === "$undefined"
    ? undefined
    : v === "$symbol"
      ? symbol
      : v === "$object"
        ? { toString: () => "object" }
        : v === "$thrower"
          ? {
              toString() {
                throw new RangeError("thrown");
              },
            }
          : v;
const name = (k) => (k === "$symbol" ? symbol : k);
const told = (v) => {
  if (typeof v === "symbol") return "symbol";
  if (typeof v === "function") return `function ${v.name}`;
  if (v === undefined) return "$undefined";
  return v;
};
const plain = (o) => ({ proto: Object.getPrototypeOf(o) === Object.prototype, entries: Object.entries(o) });
const deeds = {
  get: (k) => env[name(k)],
  set: (k, v) => {
    "use strict";
    env[name(k)] = value(v);
    return env[name(k)];
  },
  has: (k) => name(k) in env,
  delete: (k) => delete env[name(k)],
  hasOwn: (k) => [
    Object.hasOwn(env, name(k)),
    Object.hasOwn(env, name(k)),
    Object.prototype.propertyIsEnumerable.call(env, name(k)),
  ],
  descriptor: (k) => Object.getOwnPropertyDescriptor(env, name(k)),
  define: (k, v, flags) => {
    Object.defineProperty(env, name(k), { value: value(v), ...flags });
    return env[name(k)];
  },
  accessor: (k) =>
    Object.defineProperty(env, name(k), { get: () => 1, configurable: true, enumerable: true }),
  reflectSet: (k, v) => [Reflect.set(env, name(k), value(v)), env[name(k)]],
  setOther: (k, v) => {
    const other = {};
    return [Reflect.set(env, name(k), value(v), other), Object.entries(other), env[name(k)]];
  },
  inherits: (k, v) => {
    const child = Object.create(env);
    // Until this is done V8 (Node.js 26.10) finds no name in a loop over the real one: a quirk that a trace does not have.
    for (const _ in child);
    const before = child[name(k)];
    child[name(k)] = value(v);
    return [told(before), told(child[name(k)]), Object.hasOwn(child, name(k)), env[name(k)]];
  },
  keys: () => [
    Object.keys(env),
    Object.getOwnPropertyNames(env),
    Reflect.ownKeys(env),
    Object.getOwnPropertySymbols(env).length,
  ],
  forIn: () => {
    const names = [];
    for (const each in env) names.push(each);
    return names;
  },
  entries: () => Object.entries(env),
  spread: () => plain({ ...env }),
  assign: (k, v) => {
    Object.assign(env, { [k]: v, second: 2 });
    return plain(Object.assign({}, env));
  },
  json: () => JSON.stringify({ env }),
  inspect: () => {
    // Names that are whole numbers are shown first under a trace, as any object has them.
    for (const each of Object.keys(env)) if (/^\d+$/.test(each)) delete env[each];
    return [inspect(env), inspect({ a: { b: env } }), `${env}`];
  },
  clone: () => [plain(structuredClone(env)), plain(structuredClone({ deep: [{ env }] }).deep[0].env)],
  post: () => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage({ env, map: new Map([["env", env]]) });
    const { message } = receiveMessageOnPort(port2);
    port1.close();
    return [plain(message.env), plain(message.map.get("env"))];
  },
  equal: () => [isDeepStrictEqual(env, { ...env }), isDeepStrictEqual({ ...env }, env)],
  shape: () => [
    env === process.env,
    Object.prototype.toString.call(env),
    typeof env,
    Object.isExtensible(env),
    Object.isFrozen(env),
    Object.getPrototypeOf(Object.getPrototypeOf(env)) === Object.prototype,
    env instanceof Object,
    env.constructor === Object.getPrototypeOf(env).constructor,
    JSON.stringify(Object.getOwnPropertyDescriptor(process, "env"), (k, v) => (k === "value" ? 0 : v)),
  ],
  freeze: () => Object.freeze(env),
  prototype: () => Reflect.setPrototypeOf(env, Object.getPrototypeOf(env)),
  rest: (k) => {
    const { [k]: one, ...others } = env;
    return [told(one), plain(others)];
  },
  destructureCall: (k) => Object.fromEntries(Object.entries(env).filter(([each]) => each === k)),
};
for (const steps of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  const results = steps.map(([deed, ...given]) => {
    try {
      return told(deeds[deed](...given));
    } catch (thrown) {
      // Of what is refused as a whole V8 has words of its own for a Proxy.
      return { thrown: thrown.name, code: thrown.code, message: deed === "freeze" ? "" : thrown.message };
    }
  });
  console.log(JSON.stringify(results));
  for (const each of Object.keys(env)) if (!/^(PATH|SystemRoot|TEMP|KEPT)$/i.test(each)) delete env[each];
}
