/**
 * Who may do what: roles are granted actions on models, both by name or by pattern. Nothing is allowed that no grant
 * names. Whether a model exists is not told to who may not see it: the refusal is the same.
 */
import { starPattern } from "@cupel/base";
import { anonymous, type Principal } from "../core/call.ts";
import { serveErrors } from "../errors.ts";
import type { Action } from "../operations/label-bounds.ts";
import { authRequired } from "./auth-required.ts";

export interface Grant {
  readonly role: string;
  /** Names, with `*` for anything. Default: every model. */
  readonly models?: readonly string[] | undefined;
  /** Names of actions, with `*` for anything. */
  readonly actions: readonly string[];
}

export interface Policy {
  /** @param model absent where the action is on the server, or on some model that is not known yet */
  allows(principal: Principal, action: string, model?: string): boolean;
}

/**
 * An operation of GraphQL says in its body what it does: at the door its caller must be one who may do anything at all, and
 * each of its fields is asked for by itself.
 */
const operation = "graphql";

/** Nobody is asked who they are. What shows the memory of the process needs a role that says so. */
export const openPolicy: Policy = { allows: (_principal, action) => action !== "debug" };

export function createPolicy(grants: readonly Grant[]): Policy {
  const compiled = grants.map(({ role, models = ["*"], actions }) => ({
    role,
    models: models.map(starPattern),
    actions: actions.map(starPattern),
  }));
  return {
    allows: ({ roles }, action, model) =>
      compiled.some(
        (grant) =>
          roles.includes(grant.role) &&
          (action === operation || grant.actions.some((fits) => fits(action))) &&
          (model === undefined || grant.models.some((fits) => fits(model))),
      ),
  };
}

/** @throws FORBIDDEN; AUTH_REQUIRED for who showed nothing */
export function authorise(
  policy: Policy,
  principal: Principal,
  action: Action | string,
  model?: string,
): void {
  if (policy.allows(principal, action, model)) return;
  const what = model === undefined ? `"${action}"` : `"${action}" of the model "${model}"`;
  if (principal.id === anonymous.id) {
    throw authRequired(
      `${what} is not open to everybody. Send an API key or a bearer token that the setting access gives it to.`,
      "",
    );
  }
  throw serveErrors.error(
    "FORBIDDEN",
    `${what} is not open to "${principal.id}", or there is no such model. Ask who runs the server for a role.`,
  );
}
