// Apollo Client with AWS's links for it, aws-appsync-auth-link and aws-appsync-subscription-link.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { Inbox, apiKey, check, host, jwt, region, subscribed } from './harness.mjs';

// As CommonJS: as modules, Node cannot load the links' SHA-256.
const require = createRequire(import.meta.url);
const { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } = require('@apollo/client/core');
const { createAuthLink } = require('aws-appsync-auth-link');
const { createSubscriptionHandshakeLink } = require('aws-appsync-subscription-link');

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
      // What Apollo 4 adds to the body of a request, these links do not sign.
      const http = new HttpLink({ uri: url, enhancedClientAwareness: { transport: false } });
      const link = ApolloLink.from([
        createAuthLink({ url, region, auth }),
        createSubscriptionHandshakeLink({ url, region, auth }, http),
      ]);
      const client = new ApolloClient({ link, cache: new InMemoryCache() });
      const roomId = `apollo-${randomUUID()}`;
      const inbox = new Inbox();
      const subscription = client
        .subscribe({ query: SUBSCRIBE, variables: { roomId }, fetchPolicy: 'no-cache' })
        .subscribe(inbox.observer);
      await subscribed('/graphql', roomId);
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
