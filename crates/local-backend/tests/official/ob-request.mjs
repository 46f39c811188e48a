// ob-appsync-events-request: a signed publish over HTTP, with AWS's own signer.

import assert from 'node:assert/strict';
import { PublishRequest } from 'ob-appsync-events-request/dist/index.mjs';
import { check, host, region } from './harness.mjs';

export async function run() {
  await check('ob-appsync-events-request: a signed publish', async () => {
    const url = `https://${host}/event`;
    const request = await PublishRequest.signed({ url, region }, '/default/ob', { n: 1 }, { n: 2 });
    const answer = await fetch(request);
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    const { successful, failed } = JSON.parse(text);
    assert.deepEqual(successful.map(({ index }) => index), [0, 1]);
    assert.deepEqual(failed, []);
  });
}
