/**
 * What the processes of one server and the one that supervises them tell each other, besides metrics. Plain data only.
 *
 *     process                    supervisor
 *     enter            ->                          as soon as it starts
 *                      <-  entered                 with what the others have in service
 *     loaded           ->                          its models are as theirs
 *                      <-  serve                   answer requests from now on
 *     ask-change       ->  do-change to all ->  change-done of each  ->  change-answered
 *     tell-events      ->                          for the record, which one process has
 *                      <-  events-kept             or why not, for each
 *                      <-  stop                    finish what was accepted, and end
 */
import type { PostedError, WorkEvent } from "@cupel/base";
import type { Standing } from "../repository/standing.ts";

export type ModelChange = "load" | "unload";

export type ToSupervisor =
  | { readonly cupel: "enter" }
  | { readonly cupel: "standing-told"; readonly round: number; readonly standing: Standing }
  /** `about` is for who supervises, such as the address. */
  | { readonly cupel: "loaded"; readonly about: unknown }
  | {
      readonly cupel: "ask-change";
      readonly id: number;
      readonly change: ModelChange;
      readonly model: string;
    }
  | { readonly cupel: "change-done"; readonly round: number; readonly error: PostedError | null }
  /** JSON of `ToldEvent[]`: a copy of the objects costs more than the text of them. */
  | { readonly cupel: "tell-events"; readonly events: string };

export interface ToldEvent {
  readonly id: number;
  readonly event: WorkEvent;
}

export interface KeptEvent {
  readonly id: number;
  /** Null where it is as durable as the operator chose. */
  readonly error: PostedError | null;
}

export type FromSupervisor =
  | { readonly cupel: "entered"; readonly standing: Standing | null; readonly isLater: boolean }
  | { readonly cupel: "tell-standing"; readonly round: number }
  | { readonly cupel: "serve" }
  | {
      readonly cupel: "do-change";
      readonly round: number;
      readonly change: ModelChange;
      readonly model: string;
    }
  | { readonly cupel: "change-answered"; readonly id: number; readonly error: PostedError | null }
  | { readonly cupel: "events-kept"; readonly kept: readonly KeptEvent[] }
  | { readonly cupel: "stop" };

/** All else that processes send each other passes by. Both ends are this package: what has one of its names is whole. */
const isOneOf =
  <Message extends { readonly cupel: string }>(kinds: Readonly<Record<Message["cupel"], true>>) =>
  (value: unknown): value is Message =>
    typeof value === "object" &&
    value !== null &&
    "cupel" in value &&
    typeof value.cupel === "string" &&
    Object.hasOwn(kinds, value.cupel);

export const isToSupervisor = isOneOf<ToSupervisor>({
  enter: true,
  "standing-told": true,
  loaded: true,
  "ask-change": true,
  "change-done": true,
  "tell-events": true,
});

export const isFromSupervisor = isOneOf<FromSupervisor>({
  entered: true,
  "tell-standing": true,
  serve: true,
  "do-change": true,
  "change-answered": true,
  "events-kept": true,
  stop: true,
});
