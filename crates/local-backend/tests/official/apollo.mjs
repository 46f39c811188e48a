// Apollo Client with AWS's links for it, aws-appsync-auth-link and aws-appsync-subscription-link.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { createAuthLink } from 'aws-appsync-auth-link';
import { CONTROL_EVENTS_KEY, createSubscriptionHandshakeLink } from 'aws-appsync-subscription-link';
import { Inbox, apiKey, check, host, jwt, region, within } from './harness.mjs';

const SUBSCRIBE = gql`
  subscription OnNewMessage($roomId: ID!) {
    onNewMessage(roomId: $roomId) { id roomId sender content createdAt senderName senderKind clientMessageId }
  }
`;
const SEND = gql`
  mutation SendMessage($roomId: ID!, $content: String!, $clientMessageId: String) {
    sendMessage(roomId: $roomId, content: $content, clientMessageId: $clientMessageId) {
      id roomId sender content createdAt senderName senderKind clientMessageId
    }
  }
`;

const MODES = {
  'API key': { type: 'API_KEY', apiKey },
  'user pools': { type: 'AMAZON_COGNITO_USER_POOLS', jwtToken: async () => jwt({ sub: 'ann', name: 'Ann' }) },
  'Lambda token': { type: 'AWS_LAMBDA', token: 'team-token' },
  IAM: {
    type: 'AWS_IAM',
    credentials: {
      accessKeyId: process.env.AWS_ACCESS_KEY_ID,
      secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
    },
  },
};

export async function run() {
  for (const [name, auth] of Object.entries(MODES)) {
    await check(`Apollo: subscribe and mutate with ${name}`, async () => {
      const url = `https://${host}/graphql`;
      const link = ApolloLink.from([
        createAuthLink({ url, region, auth }),
        createSubscriptionHandshakeLink({ url, region, auth }, new HttpLink({ uri: url })),
      ]);
      const client = new ApolloClient({ link, cache: new InMemoryCache() });
      const roomId = `apollo-${randomUUID()}`;
      const inbox = new Inbox();
      let acknowledged;
      const ready = new Promise((resolve) => { acknowledged = resolve; });
      const subscription = client
        .subscribe({
          query: SUBSCRIBE,
          variables: { roomId },
          context: { [CONTROL_EVENTS_KEY]: true },
          fetchPolicy: 'no-cache',
        })
        .subscribe({
          ...inbox.observer,
          next: (result) => {
            if (result.extensions?.controlMsgType) acknowledged();
            else inbox.observer.next(result);
          },
        });
      // With control events switched on, the link tells of its start_ack.
      await within(ready, 'the acknowledgement');
      const variables = { roomId, content: 'hi', clientMessageId: randomUUID() };
      const { data } = await client.mutate({ mutation: SEND, variables });
      const received = (await inbox.next()).data.onNewMessage;
      assert.deepEqual({ ...received }, { ...data.sendMessage });
      assert.equal(received.clientMessageId, variables.clientMessageId);
      subscription.unsubscribe();
      client.stop();
    });
  }
}
