// aws-amplify v6, `events`.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { events } from 'aws-amplify/data';
import { Inbox, check, faults, rejection } from './harness.mjs';

const GUEST_KEY = '00112233445566778899aabbccddeeff';

/** Subscribes and waits until the subscription stands. */
async function listen(path, options) {
  const channel = await events.connect(path, options);
  const inbox = new Inbox();
  const subscription = channel.subscribe(inbox.observer, options);
  await subscription.ready;
  return { channel, inbox, subscription };
}

export async function run() {
  await check('Events: subscribe and publish', async () => {
    const { channel, inbox } = await listen('default/plain');
    const event = { text: 'ünï "quoted" \u2028 \\ </script>', n: 1e21, nested: [null, true, { a: '' }] };
    await channel.publish(event);
    assert.deepEqual((await inbox.next()).event, event);
    await channel.close();
  });

  await check('Events: bare values', async () => {
    const { channel, inbox } = await listen('/default/values');
    for (const value of ['text', 7, true]) {
      await channel.publish(value);
      assert.deepEqual((await inbox.next()).event, value);
    }
    await channel.close();
  });

  await check('Events: a wildcard gets all depths', async () => {
    const { channel, inbox } = await listen('/default/wild/*');
    await events.post('/default/wild/b/c', { deep: 1 });
    assert.deepEqual((await inbox.next()).event, { deep: 1 });
    await events.post('default/wild/a', { shallow: 1 });
    assert.deepEqual((await inbox.next()).event, { shallow: 1 });
    await channel.close();
  });

  await check('Events: a wildcard over a closed room is denied', async () => {
    const channel = await events.connect('/chat/*');
    assert.match(await rejection(channel.subscribe(new Inbox().observer).ready), /Unauthorized/);
    await channel.close();
  });

  await check('Events: a batch is one frame an event', async () => {
    const { channel, inbox } = await listen('/default/batch');
    await channel.publish([1, 2, 3, 4, 5]);
    const got = [];
    while (got.length < 5) got.push((await inbox.next()).event);
    assert.deepEqual(got.sort(), [1, 2, 3, 4, 5]);
    await channel.close();
  });

  await check('Events: six events are too many', async () => {
    const channel = await events.connect('/default/batch');
    assert.match(await rejection(channel.publish([1, 2, 3, 4, 5, 6])), /InvalidInputError/);
    assert.match(await rejection(events.post('/default/batch', [1, 2, 3, 4, 5, 6])), /5/);
    await channel.close();
  });

  await check('Events: post over HTTP, one and several', async () => {
    const { channel, inbox } = await listen('/default/http');
    assert.equal(await events.post('/default/http', { n: 1 }), undefined);
    assert.equal(await events.post('/default/http', [{ n: 2 }, { n: 3 }]), undefined);
    for (const n of [1, 2, 3]) assert.deepEqual((await inbox.next()).event, { n });
    await channel.close();
  });

  await check('Events: the chat namespace stamps', async () => {
    const { channel, inbox } = await listen('/chat/lobby');
    const clientMessageId = randomUUID();
    const mine = {
      id: 'claimed',
      createdAt: '1999-01-01T00:00:00.000Z',
      sender: { id: 'claimed', name: 'Guest Ann', kind: 'user' },
      text: 'hi',
      roomId: 'lobby',
      clientMessageId,
      guestKey: GUEST_KEY,
    };
    await channel.publish(mine);
    const { event } = await inbox.next();
    assert.deepEqual(Object.keys(event), ['id', 'createdAt', 'roomId', 'text', 'clientMessageId', 'sender']);
    assert.notEqual(event.id, 'claimed');
    assert.ok(Math.abs(Date.parse(event.createdAt) - Date.now()) < 60_000);
    assert.equal(event.sender.kind, 'guest');
    assert.match(event.sender.id, /^g-/);
    assert.ok(!JSON.stringify(event).includes(GUEST_KEY));

    // The same again is a success that delivers nothing; other words are a conflict.
    await channel.publish(mine);
    const conflict = await events.post('/chat/lobby', { ...mine, text: 'other' });
    assert.equal(conflict.length, 1);
    assert.match(conflict[0].message, /[Cc]onflict/);
    await channel.publish({ ...mine, text: 'next', clientMessageId: randomUUID() });
    assert.equal((await inbox.next()).event.text, 'next');
    await channel.close();
  });

  await check('Events: a chat event without text fails by itself', async () => {
    const { channel, inbox } = await listen('/chat/partial');
    const failed = await events.post('/chat/partial', [{ text: 'good' }, { no: 'text' }]);
    assert.deepEqual(failed.map(({ index }) => index), [1]);
    assert.equal((await inbox.next()).event.text, 'good');
    await channel.close();
  });

  await check('Events: a denied channel fails alone', async () => {
    const { channel: neighbour, inbox } = await listen('/chat/neighbour');
    const channel = await events.connect('/chat/closed');
    const denied = new Inbox();
    const subscription = channel.subscribe(denied.observer);
    assert.match(await rejection(subscription.ready), /Unauthorized/);
    assert.match(JSON.stringify(await denied.nextError()), /Unauthorized/);
    assert.match(await rejection(channel.publish({ text: 'hi' })), /Unauthorized/);
    assert.match(await rejection(events.post('/chat/closed', { text: 'hi' })), /Unauthorized|authorized/);
    await neighbour.publish({ text: 'alive' });
    assert.equal((await inbox.next()).event.text, 'alive');
    await neighbour.close();
  });

  await check('Events: a namespace that is not there', async () => {
    const channel = await events.connect('/nowhere/room');
    const subscription = channel.subscribe(new Inbox().observer);
    assert.match(await rejection(subscription.ready), /UnauthorizedException/);
    assert.match(await rejection(channel.publish({ n: 1 })), /UnauthorizedException/);
    assert.match(await rejection(events.post('/nowhere/room', { n: 1 })), /not authorized/i);
    await channel.close();
  });

  await check('Events: a channel that is none', async () => {
    const channel = await events.connect('/default/a_b');
    assert.match(await rejection(channel.subscribe(new Inbox().observer).ready), /BadRequestException/);
    assert.match(await rejection(channel.publish({ n: 1 })), /BadRequestException/);
    await channel.close();
  });

  for (const [mode, options] of [
    ['userPool', { authMode: 'userPool' }],
    ['oidc', { authMode: 'oidc' }],
    ['lambda', { authMode: 'lambda', authToken: 'team-token' }],
  ]) {
    await check(`Events: ${mode} enters the room of the team`, async () => {
      const { channel, inbox } = await listen('/chat/team', options);
      await channel.publish({ text: mode }, options);
      const { event } = await inbox.next();
      assert.equal(event.text, mode);
      if (mode !== 'lambda') assert.deepEqual(event.sender, { id: 'ann', name: 'Ann', kind: 'user' });
      assert.equal(await events.post('/chat/team', { text: 'http' }, options), undefined);
      assert.equal((await inbox.next()).event.text, 'http');
      await channel.close();
    });
  }

  await check('Events: IAM signs every operation', async () => {
    const options = { authMode: 'iam' };
    const { channel, inbox } = await listen('/default/signed', options);
    await channel.publish({ n: 'ünsigned?' }, options);
    assert.deepEqual((await inbox.next()).event, { n: 'ünsigned?' });
    assert.equal(await events.post('/default/signed', { n: 2 }, options), undefined);
    assert.deepEqual((await inbox.next()).event, { n: 2 });
    await channel.close();
  });

  await check('Events: each mode connects', async () => {
    for (const options of [
      { authMode: 'iam' },
      { authMode: 'userPool' },
      { authMode: 'lambda', authToken: 'team-token' },
      { authMode: 'apiKey' },
    ]) {
      await events.closeAll();
      const { channel, inbox } = await listen('/default/connect', options);
      await channel.publish(options.authMode, options);
      assert.equal((await inbox.next()).event, options.authMode);
      await channel.close();
    }
  });

  await check('Events: a wrong key is refused at connect and after', async () => {
    await events.closeAll();
    assert.match(await rejection(events.connect('/default/plain', { apiKey: 'da2-wrong' })), /[Uu]nauthorized/);
    assert.match(await rejection(events.post('/default/plain', 1, { apiKey: 'da2-wrong' })), /not authorized/i);
    const { channel, inbox } = await listen('/default/plain');
    assert.match(await rejection(channel.publish(1, { apiKey: 'da2-wrong' })), /UnauthorizedException/);
    await channel.publish(2);
    assert.equal((await inbox.next()).event, 2);
    await channel.close();
  });

  await check('Events: nothing comes after unsubscribing', async () => {
    const { inbox, subscription } = await listen('/default/unsubscribe');
    const { channel: other, inbox: marker } = await listen('/default/unsubscribe');
    subscription.unsubscribe();
    // The marker's second event comes after the server has heard of it.
    await other.publish(1);
    await marker.next();
    const before = inbox.size;
    await other.publish(2);
    await marker.next();
    assert.equal(inbox.size, before);
    await other.close();
  });

  await check('Events: a failing server refuses one publish', async () => {
    const { channel, inbox } = await listen('/default/faulty');
    await faults({ events: { fail_next_sends: 1 } });
    assert.match(await rejection(channel.publish(1)), /InternalFailure/);
    await channel.publish(2);
    assert.equal((await inbox.next()).event, 2);
    await channel.close();
  });

  await events.closeAll();
}
