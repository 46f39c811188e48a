// What the checks are written with.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

const DEADLINE_MS = 15_000;

export const port = process.env.ROOMLET_PORT;
export const host = `localhost:${port}`;
export const apiKey = 'da2-local';
export const region = 'us-east-1';

const failures = [];
let count = 0;

/** Runs one check; a failure is told and counted, and the next check runs. */
export async function check(name, run) {
  count += 1;
  try {
    await within(run(), 'the check');
    console.log(`ok    ${name}`);
  } catch (error) {
    failures.push(name);
    console.log(`FAIL  ${name}\n      ${error?.stack ?? JSON.stringify(error)}`);
  }
}

/** Ends the process, with 1 if a check failed. */
export function finish() {
  console.log(`${count - failures.length} of ${count} checks passed.`);
  for (const name of failures) console.log(`failed: ${name}`);
  process.exit(failures.length === 0 && count > 0 ? 0 : 1);
}

/** A promise with a deadline. */
export function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come in time`)), DEADLINE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** What an observer was given, to be waited for in order. */
export class Inbox {
  #items = [];
  #waiting = [];

  observer = {
    next: (item) => this.#put({ item }),
    error: (error) => this.#put({ error }),
  };

  get size() {
    return this.#items.length;
  }

  async next() {
    const { item, error } = await this.#take();
    if (error) throw Object.assign(new Error(`an error came: ${JSON.stringify(error)}`), { cause: error });
    return item;
  }

  async nextError() {
    const { item, error } = await this.#take();
    assert.ok(error, `an error should have come, not ${JSON.stringify(item)}`);
    return error;
  }

  #put(entry) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(entry);
    else this.#items.push(entry);
  }

  #take() {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    return within(new Promise((resolve) => this.#waiting.push(resolve)), 'an event');
  }
}

/** A JSON Web Token as a user pool would give, signed with the secret of the local backend. */
export function jwt(claims, secret = 'roomlet-local') {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const head = encode({ alg: 'HS256', typ: 'JWT' });
  const body = encode({ iat: now, exp: now + 3600, ...claims });
  const signature = createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url');
  return `${head}.${body}.${signature}`;
}

/** Changes the fault switches of the server. */
export async function faults(changes) {
  const answer = await fetch(`https://${host}/__local/faults`, {
    method: 'POST',
    headers: { 'x-roomlet-local': '1' },
    body: JSON.stringify(changes),
  });
  assert.equal(answer.status, 200, await answer.text());
}

/** Waits until the server knows of a subscription to a room. */
export async function subscribed(path, room) {
  const deadline = Date.now() + DEADLINE_MS;
  while (Date.now() < deadline) {
    const answer = await fetch(`https://${host}/__local/connections`, { headers: { 'x-roomlet-local': '1' } });
    const connections = await answer.json();
    if (connections.some((connection) => connection.path === path && connection.rooms.includes(room))) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`nobody subscribed to ${room} in time`);
}

/** Rejections of any shape: Amplify throws errors, and objects with `errors`. */
export async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message} ${JSON.stringify(error)}` : JSON.stringify(error);
  }
  throw new Error('it should have been refused');
}
