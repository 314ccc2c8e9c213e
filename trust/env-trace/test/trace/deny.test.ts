/** Mode deny: what a package that may read nothing gets, path by path; and which paths no code inside a process can close. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type EnvPolicy, type PolicyRow, parsePolicy } from "../../src/index.ts";
import { openProject, runTraced } from "../support/traced.ts";

const secret = "what-nobody-may-have";
const none: PolicyRow = { read: [], write: [], children: [] };

/** Each is the body of a function of a package, and gives whatever it got. All that is in it is looked through for the secret. */
const closed: Readonly<Record<string, string>> = {
  read: "return process.env.A_TOKEN",
  "a captured reference": "return captured.A_TOKEN",
  "a copy": "return { ...process.env }",
  JSON: "return JSON.stringify(process.env)",
  entries: "return Object.entries(process.env)",
  "a loop": "const all = []; for (const name in process.env) all.push(process.env[name]); return all",
  descriptors:
    "return [Object.getOwnPropertyDescriptors(process.env), Object.getOwnPropertyDescriptor(process.env, 'A_TOKEN')]",
  "a list of names, then one":
    "Reflect.ownKeys(process.env); return Object.getOwnPropertyDescriptor(process.env, 'A_TOKEN')",
  inspection:
    "const { inspect } = require('node:util'); return [inspect(process.env), inspect(process.env, { showProxy: true, showHidden: true, customInspect: false })]",
  "inspection later":
    "const { inspect } = require('node:util'); return new Promise((done) => setImmediate((f) => done(f(process.env)), inspect.bind(null)))",
  "a timer with a built-in function":
    "const got = []; return new Promise((done) => { const o = new Map(); Promise.resolve('A_TOKEN').then(Reflect.get.bind(null, process.env)).then(done); })",
  structuredClone: "return structuredClone({ env: process.env })",
  "a message":
    "const { MessageChannel, receiveMessageOnPort } = require('node:worker_threads'); const { port1, port2 } = new MessageChannel(); port1.postMessage(process.env); const got = receiveMessageOnPort(port2); port1.close(); return got",
  "headers of a request": "return [...new Headers(process.env)]",
  querystring: "return require('node:querystring').stringify(process.env)",
  eval: "return eval('process.env.A_TOKEN')",
  "new Function, later":
    "return new Promise((done) => { globalThis.done = done; setTimeout(new Function('done(process.env.A_TOKEN)'), 1); })",
  vm: "return require('node:vm').runInThisContext('process.env.A_TOKEN')",
  "another realm": "return require('node:vm').runInNewContext('Object.assign({}, p.env)', { p: process })",
  "the module process":
    "return [require('node:process').env.A_TOKEN, process.getBuiltinModule?.('process').env.A_TOKEN]",
  "a report": "return process.report.getReport()",
  "a written report":
    "process.report.excludeEnv = false; process.report.directory = require('node:os').tmpdir(); const file = process.report.directory + '/' + process.report.writeReport('of-the-test-' + process.pid + '.json'); const text = require('node:fs').readFileSync(file, 'utf8'); require('node:fs').rmSync(file); return text",
  "a prototype": "return Object.create(process.env).A_TOKEN",
  "replaced built-ins": `
    const { get } = Map.prototype, { startsWith } = String.prototype, each = Array.prototype[Symbol.iterator];
    Map.prototype.get = () => true;
    String.prototype.startsWith = () => true;
    Array.prototype[Symbol.iterator] = function* () {};
    const got = process.env.A_TOKEN;
    Object.assign(Map.prototype, { get });
    Object.assign(String.prototype, { startsWith });
    Object.assign(Array.prototype, { [Symbol.iterator]: each });
    return got`,
  "a stack of another's": `
    const trusted = { getFileName: () => ${JSON.stringify("PROJECT/main.cjs")}, getLineNumber: () => 1, isEval: () => false, isNative: () => false };
    let set;
    Object.defineProperty(Error, "prepareStackTrace", { get: () => set && ((error, sites) => set(error, [trusted])), set: (f) => { set = f; }, configurable: true });
    const got = [process.env.A_TOKEN];
    delete Error.prepareStackTrace;
    let site; Error.prepareStackTrace = (_, sites) => { site = sites[0]; }; void new Error().stack; delete Error.prepareStackTrace;
    const shape = Object.getPrototypeOf(site), { getFileName } = shape;
    try { Object.defineProperty(shape, "getFileName", { value: trusted.getFileName }); } catch {}
    got.push(process.env.A_TOKEN);
    try { Object.defineProperty(shape, "getFileName", { value: getFileName }); } catch {}
    return got`,
  "a promise that the program awaits":
    "return Promise.resolve('A_TOKEN').then(Reflect.get.bind(null, process.env))",
  "the constructor of the environment":
    "return [new process.env.constructor().A_TOKEN, { ...new (Object.getPrototypeOf(process.env).constructor)() }]",
  "a getter of a prototype": `
    const got = [], names = ["leak", "NODE_OPTIONS", "NEW_TOKEN", Symbol.for("leak")];
    for (const name of names)
      Object.defineProperty(Object.prototype, name, { get() { got.push(typeof this === "object" && this); }, set() { got.push(this); }, enumerable: true, configurable: true });
    const kept = Object.getPrototypeOf(process.env);
    try {
      for (const name of names) { void process.env[name]; void (name in process.env); }
      process.env[Symbol.for("leak")] = 1;
      Object.setPrototypeOf(process.env, new Proxy({}, { get(_, name, receiver) { got.push(receiver); } }));
      void process.env.leak;
      Object.setPrototypeOf(process.env, kept);
      await message(new Worker(posting, { eval: true, execArgv: [] }));
      require('node:child_process').execFileSync(process.execPath, ['-p', '1'], { stdio: 'ignore' });
    } finally { Object.setPrototypeOf(process.env, kept); for (const name of names) delete Object.prototype[name]; }
    return got.map((each) => each && each.A_TOKEN)`,
  "setters of prototypes": `
    let take, got;
    Object.defineProperty(Object.prototype, "prepareStackTrace", { get: () => take && ((error) => take(error, globalThis.sitesOfMain)), set: (f) => { take = f; }, configurable: true });
    Object.defineProperty(Array.prototype, "0", { get: () => ({ file: ${JSON.stringify("PROJECT/main.cjs")}, line: 1 }), set() {}, configurable: true });
    try { got = process.env.A_TOKEN; } finally { delete Object.prototype.prepareStackTrace; delete Array.prototype[0]; }
    return got`,
  "another Error": `
    const real = Error;
    let take;
    globalThis.Error = new Proxy(real, {
      defineProperty: (_, name, { value }) => { if (name === "prepareStackTrace") take = value; return true; },
      set: (_, name, value) => { if (name === "prepareStackTrace") take = value; return true; },
      get: (_, name) => name === "prepareStackTrace" ? take && ((error) => take(error, globalThis.sitesOfMain)) : real[name],
    });
    try { return process.env.A_TOKEN; } finally { globalThis.Error = real; }`,
  "a frozen Error, and a name in a comment": `
    const { get } = Object.getOwnPropertyDescriptor(Error, "stackTraceLimit");
    Object.defineProperty(Error, "stackTraceLimit", { value: 10, writable: false, configurable: true });
    try { return new Function("return process.env.A_TOKEN\\n//# sourceURL=PROJECT/main.cjs")(); }
    finally { Object.defineProperty(Error, "stackTraceLimit", { value: 10, writable: true, enumerable: true, configurable: true }); }`,
  "a name in a comment":
    "return [eval('process.env.A_TOKEN\\n//# sourceURL=PROJECT/main.cjs'), require('node:vm').runInThisContext('process.env.A_TOKEN\\n//# sourceURL=PROJECT/main.cjs')]",
  "a source map": `
    const map = { version: 3, sources: ["file://PROJECT/main.cjs"], names: [], mappings: "AAAA" };
    const file = __dirname + "/mapped.cjs";
    require('node:fs').writeFileSync(file, "exports.get = () => process.env.A_TOKEN;\\n//# sourceMappingURL=data:application/json;base64," + Buffer.from(JSON.stringify(map)).toString("base64"));
    process.setSourceMapsEnabled?.(true);
    const { get } = require(file);
    const got = [get()];
    Object.defineProperty(Error, "stackTraceLimit", { value: 10, writable: false, configurable: true });
    try { return [...got, get()]; }
    finally { process.setSourceMapsEnabled?.(false); Object.defineProperty(Error, "stackTraceLimit", { value: 10, writable: true, enumerable: true, configurable: true }); }`,
  "a package.json of its own":
    "require('node:fs').writeFileSync(__dirname + '/package.json', '{ \"name\": \"victim\" }'); return require(__dirname + '/late.cjs')()",
  "process.binding": `
    const binding = process.binding('spawn_sync'), { Process, constants } = process.binding('process_wrap');
    const options = { file: process.execPath, args: ['node', ...printing], stdio: [{ type: 'pipe', readable: true }, { type: 'pipe', writable: true }] };
    const spawn = (more) => String(binding.spawn(Object.assign(Object.create(Object.prototype, more), options)).output[1]);
    const child = new Process();
    const ended = new Promise((done) => { child.onexit = done; });
    const file = __dirname + '/printed.txt';
    const args = ['node', '-e', 'fs.writeFileSync(process.argv[1], JSON.stringify(process.env))', file];
    // Newer versions take one after the other.
    if (constants) child.spawn(process.execPath, args, undefined, undefined, [], 0);
    else child.spawn({ file: process.execPath, args, stdio: [] });
    await ended;
    let once = 0;
    return [spawn({}), spawn({ envPairs: { get: () => once++ ? undefined : ['A=1'], enumerable: true } }), require('node:fs').readFileSync(file, 'utf8')]`,
  "replaced methods of strings": `
    const got = [], kept = String.prototype[Symbol.replace];
    String.prototype[Symbol.replace] = function (...given) { got.push(String(this), ...given); return ""; };
    try { globalThis.spawnWithSecret(); } finally { String.prototype[Symbol.replace] = kept; if (kept === undefined) delete String.prototype[Symbol.replace]; }
    return got`,
  "a channel of diagnostics": `
    const got = [], { subscribe } = require('node:diagnostics_channel');
    for (const name of ['child_process', 'tracing:child_process.spawn:start', 'tracing:child_process.spawn:end', 'worker_threads']) subscribe(name, (message) => got.push(message));
    const printed = await output(require('node:child_process').spawn(process.execPath, printing));
    return [printed, JSON.stringify(got.map(({ options }) => options))]`,
  "hooks of a loader": `
    const { register } = require('node:module'), { MessageChannel } = require('node:worker_threads');
    const { port1, port2 } = new MessageChannel();
    const got = new Promise((done) => port1.once('message', done));
    register('data:text/javascript,export const initialize = ({ port }) => port.postMessage(Object.assign({}, process.env))', { data: { port: port2 }, transferList: [port2] });
    try { return await got; } finally { port1.close(); }`,
  "a runner of tests":
    "const { run } = require('node:test'); const got = []; for await (const { data } of run({ files: [__dirname + '/told.test.cjs'] })) got.push(data); return got",
  "a runner of tests, in this process":
    "const { run } = require('node:test'); const got = []; for await (const { data } of run({ files: [__dirname + '/told.test.cjs'], isolation: 'none' })) got.push(data); return got",
  "agents of the network":
    "return ['http', 'https'].map((name) => require(name).globalAgent.options.proxyEnv).map((env) => (env ?? process.env).A_TOKEN)",
  "the preload's module":
    "return [Object.values(require.cache).map((m) => m.exports), module.children.map((m) => m.exports)]",
  spawn: "return output(require('node:child_process').spawn(process.execPath, printing))",
  "spawn with a copy":
    "return output(require('node:child_process').spawn(process.execPath, printing, { env: { ...process.env } }))",
  exec: "return new Promise((done) => require('node:child_process').exec('\"' + process.execPath + '\" -p \"JSON.stringify(process.env)\"', (_, out) => done(out)))",
  execFile:
    "return new Promise((done) => require('node:child_process').execFile(process.execPath, printing, (_, out) => done(out)))",
  fork: "return output(require('node:child_process').fork(__dirname + '/print.cjs', { silent: true }))",
  spawnSync: "return require('node:child_process').spawnSync(process.execPath, printing).stdout.toString()",
  execSync:
    "return require('node:child_process').execSync('\"' + process.execPath + '\" -p \"JSON.stringify(process.env)\"').toString()",
  execFileSync: "return require('node:child_process').execFileSync(process.execPath, printing).toString()",
  "a replaced spawn":
    "const { ChildProcess } = require('node:child_process'); let got; const { spawn } = ChildProcess.prototype; ChildProcess.prototype.spawn = function (o) { got = o.envPairs; return spawn.call(this, o); }; const all = await output(require('node:child_process').spawn(process.execPath, printing)); ChildProcess.prototype.spawn = spawn; return [all, got]",
  cluster:
    "const cluster = require('node:cluster'); cluster.setupPrimary({ exec: __dirname + '/print.cjs', silent: true }); return output(cluster.fork().process)",
  "a thread": "return message(new Worker(posting, { eval: true }))",
  "a thread with nothing of its options": "return message(new Worker(posting, { eval: true, execArgv: [] }))",
  "a thread that shares": "return message(new Worker(posting, { eval: true, env: SHARE_ENV }))",
  "a thread that shares, with nothing of its options":
    "return message(new Worker(posting, { eval: true, env: SHARE_ENV, execArgv: [] }))",
  "a thread, imported":
    "const { Worker } = await import('node:worker_threads'); return message(new Worker(posting, { eval: true, env: SHARE_ENV }))",
  "a thread whose options change": `
    const changing = (name, first, then) => { let times = 0; return Object.create({ get [name]() { return times++ ? then : first; }, set [name](_) {} }, { eval: { value: true, enumerable: true } }); };
    return Promise.all([changing("env", {}, SHARE_ENV), changing("env", {}, undefined), changing("execArgv", undefined, [])].map((options) => message(new Worker(posting, options))))`,
  "a thread of a class":
    "class Own extends Worker {} return message(new Own(posting, { eval: true, env: SHARE_ENV, execArgv: [] }))",
  "a thread by the constructor":
    "const one = new Worker('', { eval: true }); return message(new one.constructor(posting, { eval: true }))",
};

/** Nothing inside the process closes these; each is told in docs/env-trace.md. */
const open: Readonly<Record<string, string>> = {
  "/proc/self/environ": "return require('node:fs').readFileSync('/proc/self/environ', 'latin1')",
  "/proc/self/environ of a child's parent":
    "return require('node:child_process').execFileSync('cat', ['/proc/' + process.pid + '/environ']).toString('latin1')",
  "the inspector": `
    const { Session } = require('node:inspector');
    const session = new Session(); session.connect();
    let got;
    const post = (method, given) => { let answer; session.post(method, given, (_, found) => { answer = found; }); return answer; };
    const { result } = post('Runtime.evaluate', { expression: 'process.env' });
    const { internalProperties } = post('Runtime.getProperties', { objectId: result.objectId });
    const handler = internalProperties.find(({ name }) => name === '[[Handler]]').value.objectId;
    const get = post('Runtime.getProperties', { objectId: handler }).result.find(({ name }) => name === 'get').value.objectId;
    const scopes = post('Runtime.getProperties', { objectId: get }).internalProperties.find(({ name }) => name === '[[Scopes]]').value.objectId;
    const seen = [];
    for (const scope of post('Runtime.getProperties', { objectId: scopes, ownProperties: true }).result) {
      if (!scope.value?.objectId) continue;
      const real = post('Runtime.getProperties', { objectId: scope.value.objectId }).result.find(({ name }) => name === 'real');
      if (real) seen.push(post('Runtime.callFunctionOn', { objectId: real.value.objectId, functionDeclaration: 'function () { return this.A_TOKEN; }' }).result.value);
    }
    return seen`,
  "the name of a file that is another's":
    "return new Promise((done) => { globalThis.got = done; require('node:vm').runInThisContext('setTimeout(() => got(process.env.A_TOKEN))', { filename: 'PROJECT/main.cjs' }); })",
  "a file in another's folder":
    "const file = 'PROJECT/node_modules/generous/late.cjs'; require('node:fs').writeFileSync(file, 'module.exports = () => process.env.A_TOKEN'); return require(file)()",
  "a function that another calls with it":
    "const { ChildProcess } = require('node:child_process'), { spawn } = ChildProcess.prototype; let got; ChildProcess.prototype.spawn = function (options) { got = options.envPairs; return spawn.call(this, options); }; require('generous').start(); ChildProcess.prototype.spawn = spawn; return got",
  "the heap, where another has read it": `
    require('generous').get('A_TOKEN');
    let text = ''; for await (const part of require('node:v8').getHeapSnapshot()) text += part;
    return text`,
  "another package that gives it away": "return require('generous').get('A_TOKEN')",
};

const thief = (bodies: Readonly<Record<string, string>>) => `
const { Worker, SHARE_ENV } = require("node:worker_threads");
const captured = process.env;
const printing = ["-p", "JSON.stringify(process.env)"];
const posting = "require('node:worker_threads').parentPort.postMessage({ env: Object.assign({}, process.env), one: process.env.A_TOKEN })";
const output = (child) => new Promise((done) => { let text = ""; child.stdout.on("data", (part) => { text += part; }); child.on("close", () => done(text)); });
const message = (worker) => new Promise((done, failed) => worker.on("message", done).on("error", failed));
module.exports = {
${Object.entries(bodies)
  .map(([name, body]) => `${JSON.stringify(name)}: async () => {${body}},`)
  .join("\n")}
};`;

const main = `
const { execFileSync } = require("node:child_process");
const { inspect } = require("node:util");
// What any package finds on the stack while this one calls it.
Error.prepareStackTrace = (_, sites) => sites;
globalThis.sitesOfMain = new Error().stack;
delete Error.prepareStackTrace;
globalThis.spawnWithSecret = () => execFileSync(process.execPath, ["-p", "1", process.env.A_TOKEN]);
const bodies = require("thief");
(async () => {
  const told = {};
  for (const [name, run] of Object.entries(bodies)) {
    const got = await run().catch((error) => "thrown " + (error.code ?? error.message));
    const text = typeof got === "string" ? got : inspect(got, { depth: 9, maxArrayLength: null, maxStringLength: null });
    told[name] = text.includes(process.env.A_TOKEN) ? "got it" : text.startsWith("thrown ") ? text : "nothing";
  }
  console.log(JSON.stringify(told));
})();`;

async function steal(
  bodies: Readonly<Record<string, string>>,
  policy: EnvPolicy,
  flags: readonly string[] = [],
) {
  await using project = await openProject();
  const put = async (path: string, text: string) => {
    await mkdir(join(project.path, path, ".."), { recursive: true });
    await writeFile(join(project.path, path), text.replaceAll("PROJECT", project.path.replaceAll("\\", "/")));
  };
  await put("package.json", '{ "name": "victim" }');
  await put("main.cjs", main);
  await put("node_modules/thief/index.js", thief(bodies));
  await put(
    "node_modules/thief/print.cjs",
    "console.log(JSON.stringify(process.env)); process.disconnect?.();",
  );
  await put("node_modules/thief/late.cjs", "module.exports = () => process.env.A_TOKEN;");
  await put(
    "node_modules/thief/told.test.cjs",
    'require("node:test").test(JSON.stringify(process.env), () => {});',
  );
  await put(
    "node_modules/generous/index.js",
    `const kept = new Map();
exports.get = (name) => { kept.set(name, process.env[name]); return kept.get(name); };
exports.start = () => require("node:child_process").execFile(process.execPath, ["--version"]);`,
  );
  const run = await runTraced([...flags, "main.cjs"], {
    project: project.path,
    policy,
    env: { A_TOKEN: secret, LISTED: "yes", NODE_USE_ENV_PROXY: "1" },
  });
  assert.equal(run.status, 0, run.err);
  assert.ok(!run.written.includes(secret));
  return {
    ...run,
    told: new Map<string, string>(Object.entries(JSON.parse(run.out.trim().split("\n").at(-1)!))),
  };
}

const rows = (more: Readonly<Record<string, PolicyRow>> = {}) =>
  new Map(
    Object.entries({
      program: { read: ["*"], write: ["*"], children: ["*"] },
      "*": { ...none, children: ["PATH", "LISTED"] },
      ...more,
    }),
  );
const deny: EnvPolicy = { mode: "deny", denied: "undefined", secrets: [], packages: rows() };

test("a thief that no row lists gets nothing, on any covered path", async () => {
  const { told, observations } = await steal(closed, deny);
  for (const name of Object.keys(closed)) assert.equal(told.get(name), "nothing", name);
  const denied = observations.filter((each) => each.denied && each.key === "A_TOKEN");
  assert.ok(denied.length > 0);
  assert.deepEqual(
    [...new Set(denied.map((each) => each.package))].sort(),
    ["node", "thief", "unknown"].filter((name) => denied.some((each) => each.package === name)),
  );
  assert.ok(denied.some((each) => each.package === "thief"));
  const inherited = observations.filter(
    (each) => each.kind === "inherit" && each.key !== null && each.package !== "program",
  );
  assert.deepEqual(inherited, [], "no child of the thief got a tagged name");
});

test("so it is under --permission, where Node.js gives out none of its own functions", {
  skip: !process.allowedNodeEnvironmentFlags.has("--permission") && "this Node.js has no --permission",
}, async () => {
  const children = ["spawn", "spawnSync", "execSync", "execFileSync", "process.binding"];
  const bodies = Object.fromEntries(children.map((name) => [name, closed[name]!]));
  const flags = ["--permission", "--allow-fs-read=*", "--allow-fs-write=*", "--allow-child-process"];
  const { told } = await steal(bodies, deny, flags);
  assert.deepEqual(
    [...told.values()],
    ["nothing", "nothing", "nothing", "nothing", "thrown ERR_ACCESS_DENIED"],
  );
  const open = await steal(bodies, parsePolicy('{ "version": 1 }'), flags);
  assert.deepEqual([...open.told.values()].slice(0, 4), Array(4).fill("got it"));
});

test("without a policy the same thief gets it by every one of these paths, but for the reports", async () => {
  const { told } = await steal(closed, parsePolicy('{ "version": 1 }'));
  const without = Object.keys(closed).filter((name) => told.get(name) !== "got it");
  assert.deepEqual(without.sort(), [
    "a report",
    "a written report",
    "replaced methods of strings",
    "the preload's module",
  ]);
});

test("what a trace does not cover: each of these gets it, as the documentation says", {
  skip: process.platform !== "linux" && "needs /proc",
}, async () => {
  const generous = {
    generous: { ...none, read: ["*"], children: ["*"] },
    "*": { ...none, children: ["PATH"] },
  };
  const { told } = await steal(open, { ...deny, packages: rows(generous) });
  for (const name of Object.keys(open)) assert.equal(told.get(name), "got it", name);
});

test("denied reads throw where the policy has it so, and what is listed is read", async () => {
  const bodies = {
    read: "return process.env.A_TOKEN",
    listed: "if (process.env.LISTED !== 'yes') throw new Error('not read')",
    "in a list":
      "if ('A_TOKEN' in process.env || !('LISTED' in process.env) || Object.keys(process.env).join() !== 'LISTED') throw new Error(Object.keys(process.env).join())",
    write:
      "process.env.LISTED = 'no'; delete process.env.LISTED; Object.defineProperty(process.env, 'LISTED', { value: 'no', writable: true, enumerable: true, configurable: true }); if (process.env.LISTED !== 'yes') throw new Error('written')",
    "children get listed names":
      "const names = Object.keys(JSON.parse(await output(require('node:child_process').spawn(process.execPath, printing, { env: { LISTED: 1, OTHER: 2 } })))); if (names.join() !== 'LISTED') throw new Error(names.join())",
  };
  const packages = rows({ thief: { read: ["LIST*"], write: [], children: ["LISTED"] } });
  const { told } = await steal(bodies, { ...deny, denied: "throw", packages });
  assert.deepEqual(
    [...told],
    [
      ["read", "thrown ENV_ACCESS_DENIED"],
      ["listed", "nothing"],
      ["in a list", "nothing"],
      ["write", "nothing"],
      ["children get listed names", "nothing"],
    ],
  );
});

test("mode warn says once what is not listed, and lets it be", async () => {
  const bodies = { read: "return [process.env.A_TOKEN, process.env.A_TOKEN]" };
  const { told, err } = await steal(bodies, { ...deny, mode: "warn" });
  assert.equal(told.get("read"), "got it");
  assert.equal(
    err.replaceAll(/^cupel env trace: node .*\n/gm, ""),
    "cupel env trace: thief is not listed for: read A_TOKEN\n",
  );
});
