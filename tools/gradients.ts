/** `npm run gradients`: checks every gradient rule and prints the table of worst errors. */
process.env.CUPEL_GRADIENTS = "1";
process.argv.push("model/train/test/gradient-rules.test.ts");
await import("./run-tests.ts");
