/**
 * The engine's builds of 1.30 record how they are used. Each process that loads one writes `.ses` and
 * `mat-debug-PID.log` into the folder for temporary files and events into a database under the home folder, and has a
 * thread that sends them to the engine's maker. Nobody who runs Cupel asked for that, so it is turned off here.
 *
 * The engine looks into the environment of the process, which only the main thread can change. A program that runs
 * sessions from worker threads alone MUST import this package in its main thread too, or set the variable itself.
 */
const switchedOff = "ORT_DISABLE_TELEMETRY";

// What whoever started the process says stays.
process.env[switchedOff] ??= "1";
