/** Dates and times as RFC 3339 has them; the examples are those of its section 5.8 and of its grammar's bounds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDateTime } from "../../src/event/formats.ts";

const valid = [
  "1985-04-12T23:20:50.52Z",
  "1996-12-19T16:39:57-08:00",
  "1990-12-31T23:59:60Z",
  "1990-12-31T15:59:60-08:00",
  "1937-01-01T12:00:27.87+00:20",
  "2024-02-29t00:00:00z",
  "2000-02-29T00:00:00Z",
];
const invalid = [
  "1990-12-31T23:59:61Z",
  "1990-12-31T22:59:60Z",
  "1990-12-31T15:59:60+08:00",
  "2023-02-29T00:00:00Z",
  "1900-02-29T00:00:00Z",
  "2023-04-31T00:00:00Z",
  "2023-13-01T00:00:00Z",
  "2023-00-01T00:00:00Z",
  "2023-01-00T00:00:00Z",
  "2023-01-01T24:00:00Z",
  "2023-01-01T00:60:00Z",
  "2023-01-01T00:00:00+24:00",
  "2023-01-01T00:00:00",
  "2023-01-01 00:00:00Z",
  "2023-1-1T00:00:00Z",
  "2023-01-01T00:00:00.Z",
  "٢٠٢٣-01-01T00:00:00Z",
  "2023-01-01T00:00:00Z\n",
];

for (const text of valid) test(`${text} is a date and time`, () => assert.ok(isDateTime(text)));
for (const text of invalid) test(`${JSON.stringify(text)} is none`, () => assert.ok(!isDateTime(text)));
