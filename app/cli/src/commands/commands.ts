/** Every command, in the order of the help. Adding one is adding a row. */
import { auditGroup } from "./audit/audit.ts";
import { auditEraseCommand } from "./audit/erase.ts";
import { auditFsckCommand } from "./audit/fsck.ts";
import { auditHoldCommand } from "./audit/hold.ts";
import { auditProveCommand } from "./audit/prove.ts";
import { auditRetainCommand } from "./audit/retain.ts";
import { auditTailCommand } from "./audit/tail.ts";
import { auditValidateCommand } from "./audit/validate.ts";
import { auditVerifyCommand } from "./audit/verify.ts";
import { auditWitnessCommand } from "./audit/witness.ts";
import { benchModelCommand } from "./bench-model.ts";
import type { Command, CommandGroup } from "./command.ts";
import { compressCommand } from "./compress.ts";
import { demoCommand } from "./demo.ts";
import { evalCommand } from "./eval.ts";
import { inspectCommand } from "./inspect.ts";
import { predictCommand } from "./predict.ts";
import { reportCommand } from "./report.ts";
import { serveCommand } from "./serve.ts";
import { trainCommand } from "./train.ts";

export const commands: readonly Command[] = [
  compressCommand,
  trainCommand,
  evalCommand,
  predictCommand,
  reportCommand,
  inspectCommand,
  benchModelCommand,
  serveCommand,
  auditValidateCommand,
  auditVerifyCommand,
  auditFsckCommand,
  auditProveCommand,
  auditWitnessCommand,
  auditTailCommand,
  auditHoldCommand,
  auditRetainCommand,
  auditEraseCommand,
  demoCommand,
];

export const groups: readonly CommandGroup[] = [auditGroup];
