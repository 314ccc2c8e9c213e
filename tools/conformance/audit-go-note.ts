/**
 * Go's own package of signed notes opens ours, and signs with our keys. `node tools/conformance/audit-go-note.ts`; needs
 * `go` on the path, and golang.org/x/mod and filippo.io/torchwood (for cosignatures) from its registry.
 */
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  checkpointText,
  formatNote,
  formatNoteKey,
  formatNoteSigningKey,
  generateNoteKey,
  openNote,
  parseNote,
  signNote,
} from "@cupel/audit";
import { openTemporaryFolder } from "@cupel/base";
import { skip } from "./run-tool.ts";

const program = `package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	input, err := io.ReadAll(os.Stdin)
	must(err)
	switch os.Args[1] {
	case "open":
		var verifiers []note.Verifier
		for _, key := range os.Args[2:] {
			verifier, err := note.NewVerifier(key)
			if err != nil {
				verifier, err = torchwood.NewCosignatureVerifier(key)
			}
			must(err)
			verifiers = append(verifiers, verifier)
		}
		opened, err := note.Open(input, note.VerifierList(verifiers...))
		must(err)
		fmt.Printf("%d of %d\\n%s", len(opened.Sigs), len(verifiers), opened.Text)
	case "sign":
		signer, err := note.NewSigner(os.Args[2])
		must(err)
		signed, err := note.Sign(&note.Note{Text: string(input)}, signer)
		must(err)
		fmt.Print(strings.Clone(string(signed)))
	}
}
`;

await using folder = await openTemporaryFolder("go-note");
const go = (args: readonly string[]) => spawnSync("go", args, { cwd: folder.path, encoding: "utf8" });
if (go(["version"]).error) skip("Go's note", "go is not there");
await writeFile(join(folder.path, "main.go"), program);
const binary = join(folder.path, "go-note");
for (const args of [
  ["mod", "init", "cupel.example/note"],
  ["get", "golang.org/x/mod/sumdb/note@latest", "filippo.io/torchwood@v0.9.0"],
  ["build", "-o", binary, "."],
]) {
  const { status, stderr } = go(args);
  if (status !== 0) skip("Go's note", `go ${args[0]} failed: ${stderr.trim().split("\n").at(-1)}`);
}

let failed = 0;
function expect(name: string, isRight: boolean, printed: unknown): void {
  console.log(`${isRight ? "ok  " : "FAIL"} ${name}`);
  if (isRight) return;
  failed++;
  console.log(printed);
}
const run = (args: readonly string[], input: string) => spawnSync(binary, args, { input, encoding: "utf8" });

const key = generateNoteKey("example.com/audit");
const witness = generateNoteKey("witness.example/w1", 4);
const stranger = generateNoteKey("example.com/audit");
const text = checkpointText(key.name, 4711, Buffer.alloc(32, 1), Buffer.alloc(32, 2));
const note = formatNote(signNote(text, [key, witness, stranger]));
const vkeys = [key, witness].map(formatNoteKey);

const opened = run(["open", ...vkeys], note);
expect("our checkpoint with a line of SM3 and a cosignature", opened.stdout === `2 of 2\n${text}`, opened);
const changed = run(["open", ...vkeys], note.replace("4711", "4712"));
expect("a changed one is refused", changed.status === 1 && /invalid signature/.test(changed.stderr), changed);
const unknown = run(["open", formatNoteKey(generateNoteKey("example.com/audit"))], note);
expect("a key that did not sign is told", unknown.status === 1, unknown);
const signed = run(["sign", formatNoteSigningKey(key)], text);
const signatures = signed.status === 0 ? openNote(parseNote(Buffer.from(signed.stdout)), [key]) : [];
expect("what Go signs with our private key is opened here", signatures.length === 1, signed);
const same = formatNote(signNote(text, [key]));
expect("and is the same to the byte", signed.stdout === same, signed);

console.log(`${failed === 0 ? "all passed" : `${failed} failed`}`);
process.exitCode = failed > 0 ? 1 : 0;
