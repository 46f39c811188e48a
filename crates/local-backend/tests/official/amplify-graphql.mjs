// aws-amplify v6, `generateClient()`.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { generateClient } from 'aws-amplify/api';
import { events } from 'aws-amplify/data';
import { Hub } from 'aws-amplify/utils';
import { Inbox, check, rejection, within } from './harness.mjs';

const FIELDS = 'id roomId sender content createdAt senderName senderKind clientMessageId';
const SUBSCRIBE = `subscription OnNewMessage($roomId: ID!) { onNewMessage(roomId: $roomId) { ${FIELDS} } }`;
const SEND = `mutation SendMessage($roomId: ID!, $content: String!, $clientMessageId: String, $guestKey: String, $guestName: String) {
  sendMessage(roomId: $roomId, content: $content, clientMessageId: $clientMessageId, guestKey: $guestKey, guestName: $guestName) { ${FIELDS} }
}`;

/** Subscribes and waits for the acknowledgement, which Amplify tells the Hub. */
async function listen(client, query, variables, options = {}) {
  const inbox = new Inbox();
  let stop;
  const ready = new Promise((resolve) => {
    stop = Hub.listen('api', ({ payload }) => {
      const { data, message } = payload;
      const established = message === 'Connection established for subscription';
      if (established && JSON.stringify(data.variables) === JSON.stringify(variables)) resolve();
    });
  });
  const subscription = client.graphql({ query, variables, ...options }).subscribe(inbox.observer);
  await within(ready, 'the acknowledgement').finally(stop);
  return { inbox, subscription };
}

export async function run() {
  const client = generateClient();

  await check('GraphQL: subscribe and mutate', async () => {
    const { inbox, subscription } = await listen(client, SUBSCRIBE, { roomId: 'graphql' });
    const variables = {
      roomId: 'graphql',
      content: 'ünï "quoted" \\ \n',
      clientMessageId: randomUUID(),
      guestKey: '00112233445566778899aabbccddeeff',
      guestName: 'Guest Ann',
    };
    const { data } = await client.graphql({ query: SEND, variables });
    const sent = data.sendMessage;
    assert.equal(sent.content, variables.content);
    assert.equal(sent.senderKind, 'guest');
    assert.equal(sent.senderName, 'Guest Ann');
    assert.deepEqual((await inbox.next()).data.onNewMessage, sent);

    // The same again is the first one's answer and delivers nothing; other words are a conflict.
    const again = await client.graphql({ query: SEND, variables });
    assert.deepEqual(again.data.sendMessage, sent);
    const other = client.graphql({ query: SEND, variables: { ...variables, content: 'other' } });
    assert.match(await rejection(other), /[Cc]onflict/);
    const next = { ...variables, content: 'next', clientMessageId: randomUUID() };
    await client.graphql({ query: SEND, variables: next });
    assert.equal((await inbox.next()).data.onNewMessage.content, 'next');
    subscription.unsubscribe();
  });

  await check('GraphQL: two subscriptions on one socket', async () => {
    const one = await listen(client, SUBSCRIBE, { roomId: 'one' });
    const two = await listen(client, SUBSCRIBE, { roomId: 'two' });
    await client.graphql({ query: SEND, variables: { roomId: 'two', content: '2' } });
    await client.graphql({ query: SEND, variables: { roomId: 'one', content: '1' } });
    assert.equal((await one.inbox.next()).data.onNewMessage.content, '1');
    assert.equal((await two.inbox.next()).data.onNewMessage.content, '2');
    one.subscription.unsubscribe();
    two.subscription.unsubscribe();
  });

  await check('GraphQL: a subscriber sees what the mutation selected', async () => {
    const nullable = 'subscription N($roomId: ID!) { onNewMessage(roomId: $roomId) { id roomId senderName senderKind } }';
    const { inbox, subscription } = await listen(client, nullable, { roomId: 'selection' });
    const narrow = 'mutation M { sendMessage(roomId: "selection", content: "hi", guestName: "Ann") { id roomId senderName } }';
    const { data } = await client.graphql({ query: narrow });
    const { onNewMessage } = (await inbox.next()).data;
    assert.deepEqual(onNewMessage, {
      id: data.sendMessage.id,
      roomId: 'selection',
      senderName: 'Ann',
      senderKind: null,
    });
    subscription.unsubscribe();
  });

  for (const [mode, options] of [
    ['userPool', { authMode: 'userPool' }],
    ['oidc', { authMode: 'oidc' }],
    ['lambda', { authMode: 'lambda', authToken: 'team-token' }],
  ]) {
    await check(`GraphQL: ${mode} enters the room of the team`, async () => {
      const { inbox, subscription } = await listen(client, SUBSCRIBE, { roomId: 'team' }, options);
      const variables = { roomId: 'team', content: mode };
      const { data } = await client.graphql({ query: SEND, variables, ...options });
      const { onNewMessage } = (await inbox.next()).data;
      assert.deepEqual(onNewMessage, data.sendMessage);
      if (mode !== 'lambda') {
        assert.equal(onNewMessage.sender, 'ann');
        assert.equal(onNewMessage.senderName, 'Ann');
        assert.equal(onNewMessage.senderKind, 'user');
      }
      subscription.unsubscribe();
    });
  }

  await check('GraphQL: IAM signs every operation', async () => {
    const options = { authMode: 'iam' };
    const { inbox, subscription } = await listen(client, SUBSCRIBE, { roomId: 'signed' }, options);
    await client.graphql({ query: SEND, variables: { roomId: 'signed', content: 'ü' }, ...options });
    assert.equal((await inbox.next()).data.onNewMessage.content, 'ü');
    subscription.unsubscribe();
  });

  await check('GraphQL: history', async () => {
    const query = `query Messages($roomId: ID!, $limit: Int, $before: String) {
      messages(roomId: $roomId, limit: $limit, before: $before) { messages { ${FIELDS} } nextCursor }
    }`;
    for (const content of ['1', '2', '3']) {
      await client.graphql({ query: SEND, variables: { roomId: 'history', content } });
    }
    const first = (await client.graphql({ query, variables: { roomId: 'history', limit: 2 } })).data.messages;
    assert.deepEqual(first.messages.map(({ content }) => content), ['2', '3']);
    const variables = { roomId: 'history', limit: 2, before: first.nextCursor };
    const second = (await client.graphql({ query, variables })).data.messages;
    assert.deepEqual(second.messages.map(({ content }) => content), ['1']);
    assert.equal(second.nextCursor, null);
  });

  await check('GraphQL: a denied room is an error of its subscription', async () => {
    const inbox = new Inbox();
    client.graphql({ query: SUBSCRIBE, variables: { roomId: 'closed' } }).subscribe(inbox.observer);
    assert.match(JSON.stringify(await inbox.nextError()), /Unauthorized/);
    const send = client.graphql({ query: SEND, variables: { roomId: 'closed', content: 'hi' } });
    assert.match(await rejection(send), /Unauthorized|Not Authorized/);
  });

  await check('GraphQL: an unknown field is an error of its subscription', async () => {
    const inbox = new Inbox();
    const query = 'subscription S { onNewMessage(roomId: "a") { id nothing } }';
    client.graphql({ query }).subscribe(inbox.observer);
    assert.match(JSON.stringify(await inbox.nextError()), /FieldUndefined/);
  });

  await check('GraphQL: a wrong key is refused', async () => {
    const wrong = generateClient({ apiKey: 'da2-wrong' });
    const query = 'mutation M { sendMessage(roomId: "a", content: "hi") { id } }';
    assert.match(await rejection(wrong.graphql({ query })), /not authorized|Unauthorized|401/i);
  });

  await check('GraphQL and Events share their rooms', async () => {
    const { inbox, subscription } = await listen(client, SUBSCRIBE, { roomId: 'shared' });
    const channel = await events.connect('/chat/shared');
    const heard = new Inbox();
    await channel.subscribe(heard.observer).ready;
    await channel.publish({ text: 'from events' });
    assert.equal((await inbox.next()).data.onNewMessage.content, 'from events');
    assert.equal((await heard.next()).event.text, 'from events');
    await client.graphql({ query: SEND, variables: { roomId: 'shared', content: 'from graphql' } });
    assert.equal((await inbox.next()).data.onNewMessage.content, 'from graphql');
    assert.equal((await heard.next()).event.text, 'from graphql');
    subscription.unsubscribe();
    await channel.close();
    await events.closeAll();
  });
}
